// The headers compile where min and max are macros, as <windows.h> makes them. The standard library
// itself does not, so all that the headers need of it comes first.

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SparseCore>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#include <lae/data/amazon_csv.hpp>
#include <lae/io/csv.hpp>
#include <lae/lae.hpp>

// Templates are compiled, too.
lae::ItemModel<float> fit(const lae::Csr<float>& x, const lae::Matrix<float>& f) {
  return lae::L3ae<float>().fit(x, f);
}
lae::EvaluationReport evaluate(const lae::ItemModel<float>& model, const lae::Csr<float>& x) {
  return lae::evaluate(model, x, x);
}
