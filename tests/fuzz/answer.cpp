// What a server of embeddings answers to a request for those of some texts; the first byte says how
// many.

#include "../../examples/apps/embedding_answer.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::vector<std::string> ids;
  for (int id = 0; id <= data[0] % 4; ++id) ids.push_back(std::to_string(id));
  const std::string body(fuzz::view(data + 1, size - 1));
  try {
    const example::EmbeddingAnswer answer = example::parse_embeddings(body, ids);
    fuzz::require(answer.embeddings.rows() == static_cast<lae::Index>(ids.size()));
    fuzz::require(answer.embeddings.cols() > 0 && answer.embeddings.allFinite());
  } catch (const example::BadAnswer& bad) {
    fuzz::require(!bad.about.empty() && !bad.problem.empty());
  }
  return 0;
}
