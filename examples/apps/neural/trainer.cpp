#include "trainer.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <lae/evaluation/evaluate.hpp>
#include <lae/io/file.hpp>
#include <memory>
#include <stdexcept>
#include <utility>

#include "digest.hpp"
#include "scorer.hpp"

namespace neural {
namespace {

constexpr char magic[] = "neural training 1\n";

template <class Scalar>
void add_pattern(const lae::Csr<Scalar>& matrix, Digest& digest) {
  for (Index row = 0; row < matrix.rows(); ++row) {
    for (typename lae::Csr<Scalar>::InnerIterator entry(matrix, row); entry; ++entry) {
      const std::int64_t place[] = {row, entry.col()};
      digest.add(place, sizeof(place));
    }
  }
}

/// A line of "name value", with all digits.
void add_line(std::string& text, const char* name, double value) {
  char digits[32];
  char* const end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  text.append(name).append(" ").append(digits, end).append("\n");
}

/// The first line in which a file's head is not the one that was expected.
std::string differing_line(const std::string& bytes, const std::string& head) {
  std::size_t start = 0;
  for (std::size_t at = 0; at < head.size() && at < bytes.size() && bytes[at] == head[at]; ++at) {
    if (head[at] == '\n') start = at + 1;
  }
  return '"' + head.substr(start, head.find('\n', start) - start) + '"';
}

void require(bool holds, const std::string& message) {
  if (!holds) throw std::invalid_argument(message);
}

}  // namespace

void TrainOptions::check() const {
  require(batch_size > 0, "batch_size must be positive, got " + std::to_string(batch_size));
  require(std::isfinite(learning_rate) && learning_rate > 0,
          "learning_rate must be positive, got " + std::to_string(learning_rate));
  require(patience > 0, "patience must be positive, got " + std::to_string(patience));
  require(longest > 0, "longest must be positive, got " + std::to_string(longest));
}

template <class Scalar>
Trainer<Scalar>::Trainer(Model<Scalar>& model, const lae::Csr<Scalar>& train,
                         lae::Csr<Scalar> valid, const TrainOptions& options)
    : model_(model),
      histories_(user_histories(train)),
      valid_(std::move(valid)),
      options_(options),
      adam_(options.learning_rate, model.parameters()) {
  options.check();
  const auto require_size = [&](const lae::Csr<Scalar>& part, const char* name) {
    require(part.rows() == model.graph().users() && part.cols() == model.graph().items(),
            std::string(name) + " is " + std::to_string(part.rows()) + " x " +
                std::to_string(part.cols()) + ", but the model has " +
                std::to_string(model.graph().users()) + " users and " +
                std::to_string(model.graph().items()) + " items");
  };
  require_size(histories_, "train");
  require_size(valid_, "valid");
  require(valid_.nonZeros() > 0, "valid is empty: nothing to tell by when to stop");
  for (const Parameter<Scalar>& each : model.parameters()) best_.push_back(each.value);
}

template <class Scalar>
EpochReport Trainer<Scalar>::run_epoch() {
  EpochReport report;
  const Epoch<Scalar> epoch(model_.graph(), options_.seed, epoch_, options_.batch_size);
  for (Index number = 0; number < epoch.batches(); ++number) {
    const SeededChoices<Scalar> choices(options_.seed, adam_.state.steps);
    const Losses losses = model_.differentiate(epoch.batch(number), choices);
    adam_.step(model_.parameters());
    report.losses.resize(losses.size());
    for (std::size_t part = 0; part < losses.size(); ++part) {
      report.losses[part].first = losses[part].first;
      report.losses[part].second += losses[part].second / static_cast<double>(epoch.batches());
    }
  }
  if (!std::isfinite(total(report.losses))) {
    throw std::runtime_error(std::string(title_of(model_.options().kind)) +
                             ": the loss is no longer finite; a lower learning rate may help");
  }

  const UserScorer<Scalar> scorer(model_.embeddings(), model_.graph().users());
  const auto measured = lae::evaluate(scorer, histories_, valid_, {{20}});
  report.valid_recall = measured.all.recall[0];
  report.valid_ndcg = measured.all.ndcg[0];
  report.epoch = ++epoch_;
  if (report.valid_recall > best_recall_) {
    best_recall_ = report.valid_recall;
    best_epoch_ = epoch_;
    for (std::size_t p = 0; p < best_.size(); ++p) best_[p] = model_.parameters()[p].value;
  }
  report.best_epoch = best_epoch_;
  return report;
}

template <class Scalar>
bool Trainer<Scalar>::run(const EpochCallback& callback) {
  while (!is_done()) {
    const EpochReport report = run_epoch();
    if (callback && !callback(report)) break;
  }
  return is_done();
}

template <class Scalar>
void Trainer<Scalar>::take_best() {
  for (std::size_t p = 0; p < best_.size(); ++p) model_.parameters()[p].value = best_[p];
}

template <class Scalar>
std::string Trainer<Scalar>::identity() const {
  const Options& options = model_.options();
  Digest data;
  add_pattern(histories_, data);
  add_pattern(valid_, data);
  if (model_.features() != nullptr) {
    data.add(model_.features()->data(),
             static_cast<std::size_t>(model_.features()->size()) * sizeof(Scalar));
  }
  std::string text = std::string("model ") + name_of(options.kind) + "\n";
  text += std::string("scalar ") + (sizeof(Scalar) == 4 ? "float" : "double") + "\n";
  text += "data " + std::to_string(data.value()) + "\n";
  text += "seed " + std::to_string(options_.seed) + "\n";
  text += "start " + std::to_string(model_.seed()) + "\n";
  add_line(text, "dimensions", static_cast<double>(options.dimensions));
  add_line(text, "regularizer", options.regularizer);
  add_line(text, "contrast_weight", options.contrast_weight);
  add_line(text, "contrast_temperature", options.contrast_temperature);
  add_line(text, "noise", options.noise);
  add_line(text, "distill_weight", options.distill_weight);
  add_line(text, "distill_temperature", options.distill_temperature);
  add_line(text, "mask_share", options.mask_share);
  add_line(text, "reconstruct_weight", options.reconstruct_weight);
  add_line(text, "reconstruct_temperature", options.reconstruct_temperature);
  add_line(text, "mask_all_branches", options.mask_all_branches ? 1 : 0);
  add_line(text, "cosine_scores", options.cosine_scores ? 1 : 0);
  add_line(text, "batch_size", static_cast<double>(options_.batch_size));
  add_line(text, "learning_rate", options_.learning_rate);
  for (const Parameter<Scalar>& each : model_.parameters()) {
    text += "parameter " + each.name + " " + std::to_string(each.value.rows()) + " x " +
            std::to_string(each.value.cols()) + "\n";
  }
  return text;
}

template <class Scalar>
template <class Self, class Visit>
void Trainer<Scalar>::visit_state(Self& self, Visit&& visit) {
  visit(&self.epoch_, sizeof(self.epoch_));
  visit(&self.best_epoch_, sizeof(self.best_epoch_));
  visit(&self.best_recall_, sizeof(self.best_recall_));
  visit(&self.adam_.state.steps, sizeof(self.adam_.state.steps));
  const auto visit_matrix = [&](auto& matrix) {
    visit(matrix.data(), static_cast<std::size_t>(matrix.size()) * sizeof(Scalar));
  };
  const Model<Scalar>& model = self.model_;
  for (std::size_t p = 0; p < model.parameters().size(); ++p) {
    visit_matrix(self.model_.parameters()[p].value);
    visit_matrix(self.adam_.state.means[p]);
    visit_matrix(self.adam_.state.squares[p]);
    visit_matrix(self.best_[p]);
  }
}

// The file: the magic line, the identity and an empty line, the state as it is in memory, and a
// digest of all of it. It is read on the machine, or the kind of machine, that wrote it.

template <class Scalar>
void Trainer<Scalar>::save(const std::filesystem::path& path) const {
  lae::AtomicFile file(path);
  Digest digest;
  const auto write = [&](const void* data, std::size_t bytes) {
    file.write(data, bytes);
    digest.add(data, bytes);
  };
  const std::string head = magic + identity() + "\n";
  write(head.data(), head.size());
  visit_state(*this, write);
  const std::uint64_t sum = digest.value();
  file.write(&sum, sizeof(sum));
  file.commit();
}

template <class Scalar>
bool Trainer<Scalar>::resume(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return false;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw lae::FileError(path, "cannot be read");
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file && !file.eof()) throw lae::FileError(path, "cannot be read");
  const std::string head = magic + identity() + "\n";
  if (bytes.compare(0, sizeof(magic) - 1, magic) != 0) {
    throw lae::FileError(path, "is not the state of a training");
  }
  if (bytes.compare(0, head.size(), head) != 0) {
    throw lae::FileError(path, "is the state of another training, or damaged: it differs in " +
                                   differing_line(bytes, head));
  }
  std::size_t wanted = head.size() + sizeof(std::uint64_t);
  visit_state(*this, [&](const void*, std::size_t size) { wanted += size; });
  if (bytes.size() != wanted) {
    throw lae::FileError(path, "is damaged: it has " + std::to_string(bytes.size()) +
                                   " bytes instead of " + std::to_string(wanted));
  }
  Digest digest;
  std::size_t at = 0;
  const auto take = [&](std::size_t size) {
    digest.add(bytes.data() + at, size);
    at += size;
  };
  take(head.size());
  visit_state(*this, [&](const void*, std::size_t size) { take(size); });
  std::uint64_t sum = 0;
  std::memcpy(&sum, bytes.data() + at, sizeof(sum));
  if (sum != digest.value()) throw lae::FileError(path, "is damaged: its digest is another");

  at = head.size();
  visit_state(*this, [&](void* data, std::size_t size) {
    if (size > 0) std::memcpy(data, bytes.data() + at, size);
    at += size;
  });
  return true;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace neural
