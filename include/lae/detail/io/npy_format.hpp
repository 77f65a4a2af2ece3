#pragma once

/// \file
/// The .npy format of NumPy: its header, and elements on their way from and to a file.

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/byte_source.hpp"
#include "lae/io/file.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The sign of this machine's byte order in NumPy's names of types.
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
inline constexpr char native_byte_order = '>';
#else
inline constexpr char native_byte_order = '<';
#endif

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// One element of an array of NumPy's type bool: any byte but zero is true.
struct NpyBool {
  std::uint8_t byte;

  template <class T>
  explicit operator T() const {
    return T(byte != 0);
  }
};

/// NumPy's type (dtype) of the elements of an array.
struct NpyType {
  /// As files spell it: "<f4".
  std::string descr;
  char byte_order;
  char kind;
  std::uint64_t bytes;

  /// As Python spells it: "float32".
  [[nodiscard]] std::string name() const {
    const char* byte_order_name = byte_order == '<' ? "little-endian " : "big-endian ";
    const std::string bits = std::to_string(8 * bytes);
    const std::string prefix = is_native() ? "" : byte_order_name;
    switch (kind) {
      case 'b':
        return "bool";
      case 'i':
        return prefix + "int" + bits;
      case 'u':
        return prefix + "uint" + bits;
      case 'f':
        return prefix + "float" + bits;
      case 'c':
        return prefix + "complex" + bits;
      case 'S':
        return "byte strings";
      case 'U':
        return "strings";
      case 'O':
        return "Python objects";
      default:
        return "neither numbers nor text";
    }
  }

  [[nodiscard]] bool is_native() const { return bytes == 1 || byte_order == native_byte_order; }
};

/// The type NumPy gives to what C++ calls T.
template <class T>
[[nodiscard]] NpyType npy_type() {
  constexpr bool is_float = std::is_floating_point_v<T> || std::is_same_v<T, Eigen::half>;
  constexpr char kind = std::is_same_v<T, NpyBool> ? 'b'
                        : is_float                 ? 'f'
                        : std::is_signed_v<T>      ? 'i'
                                                   : 'u';
  const char byte_order = sizeof(T) == 1 ? '|' : native_byte_order;
  return {concat(byte_order, kind, sizeof(T)), byte_order, kind, sizeof(T)};
}

/// What stands before the elements of an array.
struct NpyHeader {
  NpyType type;
  bool fortran_order;
  std::vector<std::uint64_t> shape;
};

/// Reads the header's text, a Python dictionary literal: in any order of keys, with any spacing
/// and quotes.
class NpyHeaderParser {
 public:
  /// `begin` is where in the source the text stood.
  NpyHeaderParser(const ByteSource& source, std::uint64_t begin, std::string_view text)
      : source_(source), begin_(begin), text_(text) {}

  /// \throws FileError at the byte that cannot be understood.
  NpyHeader parse() {
    NpyHeader header{};
    bool has_type = false;
    bool has_order = false;
    bool has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = parse_string("a key in quotes");
      expect(':');
      if (key == "descr") {
        header.type = parse_type();
        has_type = true;
      } else if (key == "fortran_order") {
        header.fortran_order = parse_bool();
        has_order = true;
      } else if (key == "shape") {
        header.shape = parse_shape();
        has_shape = true;
      } else {
        fail("the unknown key '" + key + "'");
      }
      if (!accept(',') && peek() != '}') fail("no ',' or '}'");
    }
    if (peek() != '\0') fail("something behind the closing '}'");
    if (!has_type) fail("no key 'descr'");
    if (!has_order) fail("no key 'fortran_order'");
    if (!has_shape) fail("no key 'shape'");
    return header;
  }

 private:
  /// The next character that is not a space, or '\0' at the end.
  char peek() {
    while (next_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[next_]))) ++next_;
    return next_ < text_.size() ? text_[next_] : '\0';
  }

  bool accept(char wanted) {
    if (peek() != wanted) return false;
    ++next_;
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(concat("no '", wanted, "'"));
  }

  std::string parse_string(std::string_view what) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail(concat("not ", what));
    const std::size_t begin = next_ + 1;
    const std::size_t end = text_.find(quote, begin);
    if (end == std::string_view::npos) fail("a string without end");
    next_ = end + 1;
    return std::string(text_.substr(begin, end - begin));
  }

  std::uint64_t parse_number() {
    std::uint64_t number = 0;
    const std::size_t begin = next_;
    while (next_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[next_]))) {
      const auto digit = static_cast<std::uint64_t>(text_[next_] - '0');
      if (number >= largest_length / 10) fail("a length larger than any file");
      number = 10 * number + digit;
      ++next_;
    }
    if (next_ == begin) fail("no number");
    return number;
  }

  NpyType parse_type() {
    if (peek() == '[' || peek() == '(') {
      source_.fail("holds records (a structured dtype), not numbers: re-save one field of them");
    }
    NpyType type{parse_string("a dtype in quotes"), native_byte_order, '\0', 0};
    std::string_view rest = type.descr;
    if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos) {
      if (rest[0] == '<' || rest[0] == '>') type.byte_order = rest[0];
      rest.remove_prefix(1);
    }
    if (rest.empty()) fail("an empty dtype");
    type.kind = rest[0];
    // What may follow the digits, as in '<M8[ns]', only matters to kinds that are never read.
    for (const char digit : rest.substr(1)) {
      if (!std::isdigit(static_cast<unsigned char>(digit))) break;
      type.bytes = 10 * type.bytes + static_cast<std::uint64_t>(digit - '0');
      if (type.bytes > largest_type) fail("too large a dtype");
    }
    return type;
  }

  bool parse_bool() {
    peek();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(next_, word.size()) == word) {
        next_ += word.size();
        return value;
      }
    }
    fail("neither True nor False");
  }

  std::vector<std::uint64_t> parse_shape() {
    std::vector<std::uint64_t> shape;
    expect('(');
    while (!accept(')')) {
      if (peek() == '-') fail("a negative length");
      shape.push_back(parse_number());
      accept('L');  // Python 2 wrote some numbers so.
      if (!accept(',') && peek() != ')') fail("no ',' or ')'");
    }
    return shape;
  }

  [[noreturn]] void fail(std::string_view problem) const {
    source_.fail_at(begin_ + next_, concat("malformed .npy header: ", problem));
  }

  /// Lengths are signed 64-bit numbers, in NumPy and here.
  static constexpr std::uint64_t largest_length = (std::numeric_limits<std::int64_t>::max)();
  /// NumPy's own limit.
  static constexpr std::uint64_t largest_type = (std::numeric_limits<std::int32_t>::max)();

  const ByteSource& source_;
  std::uint64_t begin_;
  std::string_view text_;
  std::size_t next_ = 0;
};

/// Reads up to the first element of an array.
inline NpyHeader read_npy_header(ByteSource& source) {
  std::array<char, 8> start{};
  if (source.size() >= start.size()) source.read(start.data(), start.size());
  if (std::string_view(start.data(), npy_magic.size()) != npy_magic) {
    source.fail_foreign("is not a NumPy array (.npy) file");
  }
  const int major = static_cast<unsigned char>(start[6]);
  const int minor = static_cast<unsigned char>(start[7]);
  if (major < 1 || major > 3 || minor != 0) {
    source.fail(
        concat("has version ", major, ".", minor, " of the .npy format, expected 1.0, 2.0 or 3.0"));
  }
  std::array<unsigned char, 4> length_bytes{};
  source.read(length_bytes.data(), major == 1 ? 2 : 4);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) length |= std::uint64_t{length_bytes[i]} << (8 * i);
  if (length > source.remaining()) {
    source.fail_at(source.offset(), concat("truncated: expected a header of ", length,
                                           " bytes, but ", source.remaining(), " follow"));
  }
  const std::uint64_t begin = source.offset();
  std::string text(static_cast<std::size_t>(length), '\0');
  source.read(text.data(), length);
  return NpyHeaderParser(source, begin, text).parse();
}

/// Everything that stands before the first element of an array, padded as NumPy does, so that the
/// elements are aligned to 64 bytes.
[[nodiscard]] inline std::string npy_header(const NpyHeader& header) {
  std::string shape;
  for (const std::uint64_t length : header.shape) {
    shape += (shape.empty() ? "" : ", ") + std::to_string(length);
  }
  if (header.shape.size() == 1) shape += ',';
  std::string text = concat("{'descr': '", header.type.descr,
                            "', 'fortran_order': ", header.fortran_order ? "True" : "False",
                            ", 'shape': (", shape, "), }");
  const std::size_t prefix = npy_magic.size() + 4;
  text.append(63 - (prefix + text.size()) % 64, ' ');
  text += '\n';
  std::string bytes(npy_magic);
  bytes += {'\1', '\0', static_cast<char>(text.size() % 256), static_cast<char>(text.size() / 256)};
  return bytes + text;
}

/// An array of any of the types Stored, in either byte order, whose elements are converted on their
/// way from a source.
template <class... Stored>
class NpyReader {
 public:
  /// Reads the header, and checks that the elements are of one of the types and that the source
  /// holds just as many as it should.
  explicit NpyReader(ByteSource& source) : source_(source), header_(read_npy_header(source)) {
    if (!(is<Stored>() || ...)) fail_type();
    source_.require_array(header_.shape, header_.type.bytes);
  }

  [[nodiscard]] const std::vector<std::uint64_t>& shape() const { return header_.shape; }
  [[nodiscard]] bool fortran_order() const { return header_.fortran_order; }

  /// Reads the next `count` elements, in the order in which they are stored.
  template <class T>
  void read(T* destination, Index count) {
    (read_if<Stored>(destination, count), ...);
    if (source_.remaining() == 0) source_.require_end();
  }

 private:
  static constexpr Index chunk = 8192;

  template <class T>
  [[nodiscard]] bool is() const {
    const NpyType type = npy_type<T>();
    return header_.type.kind == type.kind && header_.type.bytes == type.bytes;
  }

  /// Reads values as they are stored, in this machine's byte order.
  template <class S>
  void read_stored(S* destination, Index count) {
    source_.read(destination, static_cast<std::uint64_t>(count) * sizeof(S));
    if (header_.type.is_native()) return;
    auto* const bytes = reinterpret_cast<unsigned char*>(destination);
    const auto end = static_cast<std::size_t>(count) * sizeof(S);
    for (std::size_t i = 0; i < end; i += sizeof(S)) std::reverse(bytes + i, bytes + i + sizeof(S));
  }

  template <class S, class T>
  void read_if(T* destination, Index count) {
    if (!is<S>()) return;
    if constexpr (std::is_same_v<S, T>) {
      read_stored(destination, count);
    } else {
      std::vector<S> buffer(static_cast<std::size_t>((std::min)(count, chunk)));
      for (Index first = 0; first < count; first += chunk) {
        const Index length = (std::min)(chunk, count - first);
        read_stored(buffer.data(), length);
        std::transform(buffer.begin(), buffer.begin() + length, destination + first,
                       [](S value) { return static_cast<T>(value); });
      }
    }
  }

  [[noreturn]] void fail_type() const {
    const std::array<std::string, sizeof...(Stored)> names{npy_type<Stored>().name()...};
    std::string wanted;
    for (const std::string& name : names) wanted += (wanted.empty() ? "" : ", ") + name;
    source_.fail(concat("holds ", header_.type.name(), " ('", header_.type.descr,
                        "'), but what is read is ", wanted, ": re-save it with numpy.asarray(array",
                        header_.type.kind == 'O' ? ".tolist()" : "", ", dtype=numpy.", names[0],
                        ")"));
  }

  ByteSource& source_;
  NpyHeader header_;
};

/// An array of numbers of any type that becomes float or double.
using NpyNumbers =
    NpyReader<float, double, Eigen::half, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
              std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, NpyBool>;

/// How many rows (or columns) of this many values to hold at once: enough to read and write in
/// large pieces, and to fill whole cache lines when they lie across the order in memory.
[[nodiscard]] inline Index panel_lines(Index values_per_line) {
  return (std::max<Index>)(16, 65536 / (std::max<Index>)(1, values_per_line));
}

template <class Scalar>
void read_columns(NpyNumbers& array, Matrix<Scalar>& matrix) {
  const Index lines = panel_lines(matrix.rows());
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor> panel;
  for (Index first = 0; first < matrix.cols(); first += lines) {
    const Index count = (std::min)(lines, matrix.cols() - first);
    panel.resize(matrix.rows(), count);
    array.read(panel.data(), panel.size());
    matrix.middleCols(first, count) = panel;
  }
}

template <int StorageOrder, class Values>
void write_lines(AtomicFile& file, const Values& matrix) {
  constexpr bool by_rows = StorageOrder == Eigen::RowMajor;
  const Index size = by_rows ? matrix.rows() : matrix.cols();
  const Index lines = panel_lines(by_rows ? matrix.cols() : matrix.rows());
  Eigen::Matrix<typename Values::Scalar, Eigen::Dynamic, Eigen::Dynamic, StorageOrder> panel;
  for (Index first = 0; first < size; first += lines) {
    const Index count = (std::min)(lines, size - first);
    if constexpr (by_rows) {
      panel = matrix.middleRows(first, count);
    } else {
      panel = matrix.middleCols(first, count);
    }
    file.write(panel.data(), static_cast<std::size_t>(panel.size()) * sizeof(panel(0, 0)));
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae
