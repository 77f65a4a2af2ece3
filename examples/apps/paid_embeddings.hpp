#pragma once

/// \file
/// Embeddings in a data-set folder that a server made, and which are not thrown away unasked.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <lae/io/file.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "catalog.hpp"
#include "dataset.hpp"
#include "embedding_origin.hpp"
#include "encoding_journal.hpp"

namespace example {

/// What embeddings.json calls an encoder that costs nothing.
inline constexpr const char* built_in_name = "built-in latent semantic analysis";

/// The origin of the folder's embeddings, if a server has made them for encode_items.
/// \throws lae::FileError
inline std::optional<EmbeddingOrigin> find_paid(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path path = folder / file_name::encoder;
  if (!fs::exists(folder / file_name::embeddings) || !fs::exists(path)) return std::nullopt;
  const std::string mark = read_json_text(path, "fingerprint");
  const std::string encoder = read_json_text(path, "encoder");
  if (mark.empty() || encoder.rfind(built_in_name, 0) == 0) return std::nullopt;
  EmbeddingOrigin origin = read_origin(read_json(path).value("origin", nlohmann::json()), mark);
  if (origin.model.empty()) origin.model = encoder;  // of an earlier version
  return origin;
}

/// What a server made for a folder that is about to be replaced, finished or not. While this lives,
/// encode_items does not add to it.
class KeptEmbeddings {
 public:
  /// Takes what was paid for into the new folder, if items and prompts are those of before.
  /// \param discard that it may also be thrown away
  /// \throws lae::FileError if it cannot be kept and must not be thrown away
  KeptEmbeddings(const std::filesystem::path& before, const std::filesystem::path& now,
                 bool discard) {
    namespace fs = std::filesystem;
    const fs::path journal = before / file_name::journal;
    journal_ = open(journal.c_str(), O_RDONLY | O_CLOEXEC);
    try {
      if (journal_ >= 0 && flock(journal_, LOCK_EX | LOCK_NB) != 0) {
        throw lae::FileError(journal, "is being written by encode_items: wait for it, or stop it");
      }
      if (discard) return;
      if (const auto origin = find_paid(before)) {
        keep(before, now, file_name::embeddings, *origin);
        keep(before, now, file_name::encoder, *origin);
      }
      if (const auto origin = EncodingJournal::find_origin(journal)) {
        keep(before, now, file_name::journal, *origin);
      }
    } catch (...) {
      if (journal_ >= 0) close(journal_);
      throw;
    }
  }

  KeptEmbeddings(const KeptEmbeddings&) = delete;
  KeptEmbeddings& operator=(const KeptEmbeddings&) = delete;
  ~KeptEmbeddings() {
    if (journal_ >= 0) close(journal_);
  }

  /// The name of a model whose embeddings were kept; empty if none were.
  const std::string& model() const { return model_; }

 private:
  void keep(const std::filesystem::path& before, const std::filesystem::path& now, const char* file,
            const EmbeddingOrigin& origin) {
    namespace fs = std::filesystem;
    const std::string model = origin.model.empty() ? "a server" : origin.model;
    if (!has_same_prompts(before, now)) {
      throw lae::FileError(
          before / file,
          fmt::format("was made by {}, a server's model, which may have cost money, of items or "
                      "prompts that are others now; --discard-embeddings throws it away, another "
                      "--output leaves it",
                      model));
    }
    std::error_code error;
    fs::create_hard_link(before / file, now / file, error);
    if (error) {
      lae::AtomicReplacement copy(now / file);
      fs::copy_file(before / file, copy.partial(), fs::copy_options::overwrite_existing, error);
      if (error) {
        throw lae::FileError(now / file, "cannot be written: " + error.message());
      }
      copy.commit();
    }
    model_ = model;
  }

  static bool has_same_prompts(const std::filesystem::path& before,
                               const std::filesystem::path& now) {
    try {
      const ItemCatalog a = read_item_catalog(before / file_name::items);
      const ItemCatalog b = read_item_catalog(now / file_name::items);
      return a.ids == b.ids && a.prompts == b.prompts;
    } catch (const lae::FileError&) {
      return false;
    }
  }

  int journal_ = -1;
  std::string model_;
};

}  // namespace example
