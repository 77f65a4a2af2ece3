#pragma once

/// \file
/// Models in files of their own format, for any of them, with all that serving takes:
///
/// \code
/// lae::save_model("shop.lae", model, {item_ids, "ease", {{"lambda", "200"}}});
///
/// const auto model = lae::view_model<float>("shop.lae");       // there at once, whatever its size
/// const lae::ModelInfo info = lae::load_model_info("shop.lae");
/// auto lists = lae::recommend(model, histories, {20});         // ids: info.item_ids
/// \endcode
///
/// | of the file, by                                      | comes                           |
/// |------------------------------------------------------|---------------------------------|
/// | `load_model<float>`                                  | ItemModel                       |
/// | `load_model<lae::SparseLowRankModel<float>>`         | that (lae/blocks.hpp)           |
/// | `load_model<lae::SpectralModel<float>>`, SgfcfModel  | that (lae/spectral.hpp)         |
/// | `load_model<lae::UpdatableModel<float>>`             | that (lae/updatable.hpp)        |
/// | `view_model<float>`                                  | ItemModelView                   |
/// | `view_model<lae::SparseLowRankModel<float>>`         | SparseLowRankView               |
///
/// **Load or view.** `load_model` reads the file into memory of its own, and finds whatever is
/// damaged: all bytes are under checksums. `view_model` maps the file: nothing is read before it is
/// used, processes share what they use, and what memory is short of is read anew. It looks at the
/// sizes alone; `verify_model` reads the rest if you want it to. Damaged numbers make wrong scores,
/// and never read or write other memory. Save over a file that is viewed as you like: a view keeps
/// what it has opened. (Do not write into one, or cut it off: the system ends who looks there.)
///
/// The format is described in lae/io/model_file.md. Files of older versions are read, too.

#include <filesystem>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/model_file.hpp"
#include "lae/detail/io/model_reader.hpp"
#include "lae/detail/io/model_texts.hpp"
#include "lae/detail/io/model_writer.hpp"
#include "lae/io/file.hpp"
#include "lae/io/model_info.hpp"
#include "lae/io/model_kind.hpp"
#include "lae/models/item_model.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Writes a model. An existing file is replaced as a whole, or left as it was.
///
/// \param model one of the table above, or a view, of which no copy is made; or any other scorer
/// that is linear in the history: its file holds the n x n matrix that it stands for, row i being
/// the scores of a history of item i alone with value 1, its own item included. That takes the time
/// of scoring n such histories, all threads, and 16 MB at a time (one row, if that is more).
/// \param info stands beside it, as far as it is not empty
/// \throws FileError if the file cannot be written; std::invalid_argument if there are no items, or
/// ids of another number of items.
template <class Model>
void save_model(const std::filesystem::path& path, const Model& model, const ModelInfo& info = {}) {
  detail::require(model.items() > 0, "the model has no items");
  detail::require(
      info.item_ids.empty() || static_cast<Index>(info.item_ids.size()) == model.items(),
      "item_ids has ", info.item_ids.size(), " ids, but the model has ", model.items(), " items");
  detail::ModelWriter writer(path);
  detail::ModelFile<Model>::write(writer, model);
  detail::write_info(writer, info);
  writer.commit();
}

/// Which kind of model a file holds, for who does not know.
/// \throws FileError if the file cannot be read or is not a model.
[[nodiscard]] inline ModelKind kind_of_model(const std::filesystem::path& path) {
  return detail::ModelReader(path).layout().kind;
}

/// Reads what `save_model` was given besides the model; of files of older versions, nothing.
/// \throws FileError if the file cannot be read, is not a model, or is damaged here.
[[nodiscard]] inline ModelInfo load_model_info(const std::filesystem::path& path) {
  detail::ModelReader reader(path);
  return detail::read_info(reader);
}

/// Reads a model that `save_model` wrote with the same Scalar.
/// \tparam What float or double for an ItemModel; or another model of the table above
/// \throws FileError if the file cannot be read, is not a model, is of another kind, byte order or
/// Scalar, of a newer version of the format, or is shorter or longer than it should be: all found
/// out before memory is allocated; and if it is damaged.
template <class What>
[[nodiscard]] typename detail::LoadedModel<What>::type load_model(
    const std::filesystem::path& path) {
  detail::ModelReader reader(path);
  return detail::ModelFile<typename detail::LoadedModel<What>::type>::read(reader);
}

/// A scorer on the memory of the file itself, read-only, of the same scores bit for bit. Takes less
/// than a millisecond, whatever the size of the file, which is read as it is used. Needs mmap, as
/// POSIX systems have it.
/// \tparam What float or double for an ItemModel; or a SparseLowRankModel
/// \throws FileError as `load_model`, but not for damage behind the header.
template <class What>
[[nodiscard]] auto view_model(const std::filesystem::path& path) {
  detail::MappedModel mapped(path);
  return detail::ModelFile<typename detail::LoadedModel<What>::type>::view(mapped);
}

/// Reads a file of a model of any kind, and keeps nothing: for what is to be viewed.
/// \throws FileError as `load_model`. Files of older versions have no checksums, so of them the
/// sizes alone are known to be right.
inline void verify_model(const std::filesystem::path& path) {
  detail::ModelReader reader(path);
  reader.verify();
}

}  // namespace LAE_ABI
}  // namespace lae
