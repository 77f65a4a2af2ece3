#include "lae/io/npy.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <limits>
#include <utility>

#include "catch.hpp"
#include "files.hpp"
#include "test_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Index;
using lae::load_npy;
using lae::Matrix;
using lae::save_npy;

namespace {

// Written by NumPy 1.24: [[1, 2, 3], [-4, 5.5, 0.001]] unless the name says otherwise.
const char* const float32_c_order =
    "934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a204661"
    "6c73652c20277368617065273a2028322c2033292c207d2020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020202020202020202020200a0000803f000000400000"
    "4040000080c00000b0406f12833a";

const char* const float64_fortran_order =
    "934e554d5059010076007b276465736372273a20273c6638272c2027666f727472616e5f6f72646572273a205472"
    "75652c20277368617065273a2028322c2033292c207d202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020202020202020202020200a000000000000f03f0000"
    "0000000010c0000000000000004000000000000016400000000000000840fca9f1d24d62503f";

const char* const float64_one_dimension =
    "934e554d5059010076007b276465736372273a20273c6638272c2027666f727472616e5f6f72646572273a204661"
    "6c73652c20277368617065273a2028332c292c207d20202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020202020202020202020200a000000000000f83f0000"
    "0000000000c00000000000000840";

const char* const float32_version_2 =
    "934e554d50590200740000007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a20"
    "46616c73652c20277368617065273a2028322c2033292c207d202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020202020202020202020200a0000803f000000400000"
    "4040000080c00000b0406f12833a";

const char* const float32_version_3 =
    "934e554d50590300740000007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a20"
    "46616c73652c20277368617065273a2028322c2033292c207d202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020202020202020202020200a0000803f000000400000"
    "4040000080c00000b0406f12833a";

const char* const float32_empty =
    "934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a204661"
    "6c73652c20277368617065273a2028302c2033292c207d2020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020202020202020202020200a";

Matrix<double> numbers() {
  Matrix<double> matrix(2, 3);
  matrix << 1, 2, 3, -4, 5.5, 1e-3;
  return matrix;
}

/// Values that depend on their place; any element of another place is another value.
template <class Scalar>
Matrix<Scalar> numbered(Index rows, Index cols) {
  return Matrix<Scalar>::NullaryExpr(
      rows, cols, [&](Index i, Index j) { return static_cast<Scalar>(i * cols + j) / 4; });
}

template <class Scalar>
Matrix<Scalar> read_bytes_as_npy(const std::string& bytes) {
  const TemporaryFolder folder;
  write_bytes(folder / "matrix.npy", bytes);
  return load_npy<Scalar>(folder / "matrix.npy");
}

std::string npy_error(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "matrix.npy";
  write_bytes(path, bytes);
  return file_error(path, [&] { return load_npy<float>(path); });
}

const std::string six_floats = raw(std::vector<float>{1, 2, 3, 4, 5, 6});

}  // namespace

TEMPLATE_TEST_CASE("load_npy reads what NumPy wrote", "[npy]", LAE_SCALARS) {
  const Matrix<TestType> in_float = numbers().cast<float>().cast<TestType>();
  const Matrix<TestType> in_double = numbers().cast<TestType>();
  CHECK(read_bytes_as_npy<TestType>(from_hex(float32_c_order)) == in_float);
  CHECK(read_bytes_as_npy<TestType>(from_hex(float32_version_2)) == in_float);
  CHECK(read_bytes_as_npy<TestType>(from_hex(float32_version_3)) == in_float);
  CHECK(read_bytes_as_npy<TestType>(from_hex(float64_fortran_order)) == in_double);

  const Matrix<TestType> column = read_bytes_as_npy<TestType>(from_hex(float64_one_dimension));
  CHECK(column == Eigen::Matrix<TestType, 3, 1>(TestType(1.5), -2, 3));

  const Matrix<TestType> nothing = read_bytes_as_npy<TestType>(from_hex(float32_empty));
  CHECK(nothing.rows() == 0);
  CHECK(nothing.cols() == 3);
}

TEST_CASE("save_npy writes the bytes that NumPy writes", "[npy]") {
  const TemporaryFolder folder;
  save_npy(folder / "c.npy", numbers().cast<float>());
  CHECK(read_bytes(folder / "c.npy") == from_hex(float32_c_order));
  save_npy(folder / "fortran.npy", numbers(), {/*fortran_order=*/true});
  CHECK(read_bytes(folder / "fortran.npy") == from_hex(float64_fortran_order));
  save_npy(folder / "empty.npy", Matrix<float>(0, 3));
  CHECK(read_bytes(folder / "empty.npy") == from_hex(float32_empty));
}

TEMPLATE_TEST_CASE("a matrix in a .npy file survives", "[npy]", LAE_SCALARS) {
  // More than one panel, and more than one chunk of conversion, in both orders.
  const auto [rows, cols] =
      GENERATE(std::pair<Index, Index>(1, 1), std::pair<Index, Index>(5, 1),
               std::pair<Index, Index>(1, 7), std::pair<Index, Index>(6000, 37),
               std::pair<Index, Index>(37, 6000), std::pair<Index, Index>(4, 0));
  const bool fortran_order = GENERATE(false, true);
  const Matrix<TestType> matrix = numbered<TestType>(rows, cols);
  const TemporaryFolder folder;
  save_npy(folder / "matrix.npy", matrix, {fortran_order});
  CHECK(folder.file_count() == 1);

  const Matrix<TestType> same = load_npy<TestType>(folder / "matrix.npy");
  CHECK(same.rows() == rows);
  CHECK(same.cols() == cols);
  CHECK(same == matrix);
  CHECK(load_npy<float>(folder / "matrix.npy") == matrix.template cast<float>());
  CHECK(load_npy<double>(folder / "matrix.npy") == matrix.template cast<double>());
}

TEST_CASE("save_npy takes any dense expression", "[npy]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "matrix.npy";
  const bool fortran_order = GENERATE(false, true);
  const Matrix<double> a = numbered<double>(50, 40);
  const Eigen::MatrixXd column_major = a;
  const auto survives = [&](const auto& expression) {
    save_npy(path, expression, {fortran_order});
    return load_npy<double>(path) == Matrix<double>(expression);
  };
  CHECK(survives(column_major));
  CHECK(survives(a.transpose()));
  CHECK(survives(a.block(3, 4, 20, 10)));
  CHECK(survives(a.col(3)));
  CHECK(survives(a.row(3)));
  CHECK(survives(Eigen::Vector3d(1, 2, 3)));
  CHECK(survives(Eigen::Map<const Eigen::MatrixXd, 0, Eigen::Stride<5, 2>>(a.data(), 2, 3,
                                                                           Eigen::Stride<5, 2>())));
  CHECK(survives(a * a.transpose() + Matrix<double>::Identity(50, 50)));
}

TEST_CASE("values that are not finite survive", "[npy]") {
  Matrix<float> matrix(1, 3);
  matrix << std::numeric_limits<float>::infinity(), -0.0F, std::numeric_limits<float>::quiet_NaN();
  const TemporaryFolder folder;
  save_npy(folder / "matrix.npy", matrix);
  const Matrix<double> same = load_npy<double>(folder / "matrix.npy");
  CHECK(same(0, 0) == std::numeric_limits<double>::infinity());
  CHECK(std::signbit(same(0, 1)));
  CHECK(std::isnan(same(0, 2)));
}

TEST_CASE("headers may be spelled in any way that Python reads", "[npy]") {
  const auto same = GENERATE(
      "{'shape':(2,3),'descr':'<f4','fortran_order':False}",
      "  { \"fortran_order\" : False , \"shape\" : ( 2 , 3 , ) , \"descr\" : \"<f4\" , }  \n",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }",
      "{\n'descr':\t'=f4', 'fortran_order': False, 'shape': (2, 3)}");
  const Matrix<float> matrix = read_bytes_as_npy<float>(npy_bytes(same, six_floats));
  CHECK(matrix == (Matrix<float>(2, 3) << 1, 2, 3, 4, 5, 6).finished());
}

TEST_CASE("malformed headers are errors", "[npy]") {
  const auto [header, message] = GENERATE(table<std::string, std::string>({
      {"", "no '{'"},
      {"{", "not a key in quotes"},
      {"{}", "no key 'descr'"},
      {"{'descr': '<f4', 'shape': (2, 3)}", "no key 'fortran_order'"},
      {"{'descr': '<f4', 'fortran_order': False}", "no key 'shape'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}", "unknown key 'x'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)", "no ',' or '}'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} 1", "behind the closing '}'"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", "neither True nor False"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': 6}", "no '('"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", "no ',' or ')'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, x)}", "no number"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}", "negative length"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 0)}",
       "larger than any file"},
      {"{'descr': '<f4, }", "string without end"},
      {"{'descr': 4}", "not a dtype in quotes"},
      {"{'descr': '<'}", "empty dtype"},
      {"{'descr': '<f99999999999'}", "too large a dtype"},
      {"{'descr' '<f4'}", "no ':'"},
  }));
  CAPTURE(header);
  const std::string error = npy_error(npy_bytes(header, six_floats));
  CHECK_THAT(error, ContainsSubstring("malformed .npy header"));
  CHECK_THAT(error, ContainsSubstring(message));
}

TEST_CASE("errors in headers say at which byte", "[npy]") {
  // 10 bytes stand before the text.
  CHECK_THAT(npy_error(npy_bytes("{'descr': 4}", "")), ContainsSubstring(", byte 20: "));
}

TEST_CASE("load_npy reads numbers of any type and byte order", "[npy]") {
  const auto [descr, elements] = GENERATE(table<std::string, std::string>({
      {"<f2", "003c00c000380000ff7b0100"},
      {">f2", "3c00c000380000007bff0001"},
      {">f4", "3f800000c00000003f00000000000000477fe00033800000"},
      {">f8",
       "3ff0000000000000c0000000000000003fe0000000000000"
       "000000000000000040effc00000000003e70000000000000"},
  }));
  for (const bool is_fortran : {false, true}) {
    const std::string header = "{'descr': '" + descr + "', 'fortran_order': " +
                               (is_fortran ? "True, 'shape': (3, 2)}" : "False, 'shape': (2, 3)}");
    const Matrix<double> matrix = read_bytes_as_npy<double>(npy_bytes(header, from_hex(elements)));
    Matrix<double> expected(2, 3);
    expected << 1, -2, 0.5, 0, 65504, 0x1p-24;
    CHECK(matrix == (is_fortran ? Matrix<double>(expected.transpose()) : expected));
  }
}

TEST_CASE("load_npy reads integers and truth", "[npy]") {
  const auto [descr, elements, first, second] =
      GENERATE(table<std::string, std::string, double, double>({
          {"|i1", "80ff", -128, -1},
          {"|u1", "80ff", 128, 255},
          {"|b1", "0002", 0, 1},
          {"<i2", "0080ff00", -32768, 255},
          {">i2", "800000ff", -32768, 255},
          {">u2", "ffff0001", 65535, 1},
          {"<i4", "feffffff07000000", -2, 7},
          {">i4", "fffffffe00000007", -2, 7},
          {">u4", "fffffffe00000007", 4294967294.0, 7},
          {"<i8", "feffffffffffffff0700000000000000", -2, 7},
          {">i8", "fffffffffffffffe0000000000000007", -2, 7},
          {">u8", "00000001000000000000000000000007", 4294967296.0, 7},
          {"<f2", "007c00fc", std::numeric_limits<double>::infinity(),
           -std::numeric_limits<double>::infinity()},
      }));
  const Matrix<double> matrix =
      read_bytes_as_npy<double>(npy_bytes(descr, "(2,)", from_hex(elements)));
  CHECK(matrix == (Matrix<double>(2, 1) << first, second).finished());
}

TEST_CASE("load_npy refuses other types by name", "[npy]") {
  const auto [descr, name] = GENERATE(table<std::string, std::string>({
      {"<f16", "float128"},
      {"<c8", "complex64"},
      {">f16", "big-endian float128"},
      {"|V2", "neither numbers nor text"},
      {"|S3", "byte strings"},
      {"<U3", "strings"},
      {"<M8[ns]", "neither numbers nor text"},
  }));
  const std::string error = npy_error(npy_bytes(descr, "(2, 3)", six_floats));
  CHECK_THAT(error, ContainsSubstring("holds " + name + " ('" + descr + "')"));
  CHECK_THAT(error, ContainsSubstring("read is float32, float64, float16, int8, "));
  CHECK_THAT(error, ContainsSubstring("numpy.asarray(array, dtype=numpy.float32)"));
}

TEST_CASE("load_npy refuses Python objects and records", "[npy]") {
  const std::string objects = npy_error(npy_bytes("|O", "(2,)", "pickle"));
  CHECK_THAT(objects, ContainsSubstring("holds Python objects"));
  CHECK_THAT(objects, ContainsSubstring("numpy.asarray(array.tolist(), dtype=numpy.float32)"));
  const std::string records = npy_error(
      npy_bytes("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (6,)}", six_floats));
  CHECK_THAT(records, ContainsSubstring("holds records"));
}

TEST_CASE("load_npy refuses other numbers of dimensions", "[npy]") {
  CHECK_THAT(npy_error(npy_bytes("<f4", "(1, 2, 3)", six_floats)),
             ContainsSubstring("3 dimensions, expected 1 or 2"));
  CHECK_THAT(npy_error(npy_bytes("<f4", "()", raw(std::vector<float>{1}))),
             ContainsSubstring("0 dimensions, expected 1 or 2"));
}

TEST_CASE("load_npy notices missing and additional bytes", "[npy]") {
  const std::string whole = from_hex(float32_c_order);
  const std::string shorter = npy_error(whole.substr(0, whole.size() - 5));
  CHECK_THAT(shorter, ContainsSubstring("truncated"));
  CHECK_THAT(shorter, ContainsSubstring("2 x 3 values of 4 bytes is expected to take 24 bytes"));
  CHECK_THAT(shorter, ContainsSubstring("but 19 follow"));
  CHECK_THAT(shorter, ContainsSubstring("byte 128"));
  const std::string longer = npy_error(whole + "!");
  CHECK_THAT(longer, ContainsSubstring("expected to take 24 bytes, but 25 follow"));
  CHECK_THAT(longer, ContainsSubstring("something else behind it"));
  CHECK_THAT(npy_error(whole.substr(0, 100)),
             ContainsSubstring("truncated: expected a header of 118 bytes, but 90 follow"));
  CHECK_THAT(npy_error(whole.substr(0, 9)),
             ContainsSubstring("truncated: expected 2 bytes, found 1"));
}

TEST_CASE("load_npy refuses foreign files and later versions", "[npy]") {
  CHECK_THAT(npy_error(""), ContainsSubstring("is not a NumPy array"));
  CHECK_THAT(npy_error("\x93NUMP"), ContainsSubstring("is not a NumPy array"));
  CHECK_THAT(npy_error("user,item\n1,2\n"), ContainsSubstring("is not a NumPy array"));
  CHECK_THAT(npy_error("version https://git-lfs.github.com/spec/v1\n"),
             ContainsSubstring("is not a NumPy array (.npy) file: it is a Git LFS pointer"));
  CHECK_THAT(npy_error("<!DOCTYPE html>"), ContainsSubstring("it is a web page"));
  CHECK_THAT(npy_error("PK\3\4 and so on"), ContainsSubstring("it is a zip archive"));
  std::string bytes = from_hex(float32_c_order);
  bytes[6] = 4;
  CHECK_THAT(npy_error(bytes), ContainsSubstring("has version 4.0"));
  bytes[6] = 0;
  CHECK_THAT(npy_error(bytes), ContainsSubstring("has version 0.0"));
}

TEST_CASE("load_npy refuses impossible shapes without allocating memory", "[npy]") {
  // Were memory allocated first, each would be std::bad_alloc, or end the process.
  CHECK_THAT(npy_error(npy_bytes("<f4", "(4294967296, 4294967296)", six_floats)),
             ContainsSubstring("larger than any file"));
  CHECK_THAT(npy_error(npy_bytes("<f4", "(4611686018427387904,)", six_floats)),
             ContainsSubstring("larger than any file"));
  CHECK_THAT(npy_error(npy_bytes("<f4", "(1000000000, 1000000000)", six_floats)),
             ContainsSubstring("expected to take 4000000000000000000 bytes, but 24 follow"));
}

TEST_CASE("load_npy says why a file cannot be opened", "[npy]") {
  const TemporaryFolder folder;
  const std::filesystem::path missing = folder / "missing.npy";
  CHECK_THAT(file_error(missing, [&] { return load_npy<float>(missing); }),
             ContainsSubstring("cannot be read: No such file"));
  const std::filesystem::path directory = folder / "directory";
  std::filesystem::create_directory(directory);
  CHECK_THAT(file_error(directory, [&] { return load_npy<float>(directory); }),
             ContainsSubstring("cannot be read: Is a directory"));
}

TEST_CASE("save_npy says why a file cannot be written", "[npy]") {
  const TemporaryFolder folder;
  const std::filesystem::path no_folder = folder / "missing/matrix.npy";
  CHECK_THAT(file_error(no_folder, [&] { save_npy(no_folder, numbers()); }),
             ContainsSubstring("cannot be written: No such file"));
  write_bytes(folder / "file", "");
  const std::filesystem::path in_file = folder / "file/matrix.npy";
  CHECK_THAT(file_error(in_file, [&] { save_npy(in_file, numbers()); }),
             ContainsSubstring("cannot be written: Not a directory"));
  const std::filesystem::path device = "/dev/null";
  CHECK_THAT(file_error(device, [&] { save_npy(device, numbers()); }),
             ContainsSubstring("not a regular file"));
}

TEST_CASE("a write that fails half-way leaves the old .npy file", "[npy]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "matrix.npy";
  save_npy(path, numbers());
  // The first fails while it writes, the second while it flushes its buffer at the end.
  const Index rows = GENERATE(100, 5);
  {
    const FileSizeLimit limit(130);
    CHECK_THAT(file_error(path, [&] { save_npy(path, numbered<double>(rows, 100)); }),
               ContainsSubstring("cannot be written: File too large"));
  }
  CHECK(load_npy<double>(path) == numbers());
  CHECK(folder.file_count() == 1);
}

TEST_CASE("files are replaced as a whole", "[file]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "file";
  write_bytes(path, "old");

  SECTION("only when committed") {
    {
      lae::AtomicFile file(path);
      file.write("new", 3);
      CHECK(read_bytes(path) == "old");
    }
    CHECK(read_bytes(path) == "old");
    CHECK(folder.file_count() == 1);
  }
  SECTION("by the last of several writers") {
    lae::AtomicFile first(path);
    lae::AtomicFile second(path);
    first.write("first", 5);
    second.write("second", 6);
    second.commit();
    first.commit();
    CHECK(read_bytes(path) == "first");
    CHECK(folder.file_count() == 1);
  }
  SECTION("after one whose writer was killed") {
    const pid_t writer = fork();
    if (writer == 0) {
      lae::AtomicFile first(path);
      lae::AtomicFile second(path);
      first.write("first", 5);
      write_bytes(path.string() + ".partial-1.abcdef", "of libzip");
      std::raise(SIGKILL);
    }
    REQUIRE(writer > 0);
    waitpid(writer, nullptr, 0);
    CHECK(folder.file_count() == 6);
    CHECK(read_bytes(path) == "old");
    {
      lae::AtomicFile file(path);
      CHECK(folder.file_count() == 3);  // the target, the new one, and its lock
    }
    CHECK(folder.file_count() == 1);
  }
  SECTION("beside what others own, or never locked") {
    write_bytes(path.string() + ".partial-0", "of an earlier version");
    write_bytes(path.string() + ".lock-7", "somebody's letter");
    write_bytes(path.string() + ".partial-7", "its envelope");
    lae::AtomicFile living(path);
    lae::AtomicFile(path).commit();
    CHECK(folder.file_count() == 6);
    living.write("new", 3);
    living.commit();
    CHECK(read_bytes(path) == "new");
    CHECK(folder.file_count() == 4);
  }
  SECTION("keeping their permissions") {
    using std::filesystem::perms;
    std::filesystem::permissions(path, perms::owner_read | perms::owner_write);
    lae::AtomicFile(path).commit();
    CHECK(std::filesystem::status(path).permissions() == (perms::owner_read | perms::owner_write));
  }
  SECTION("through symbolic links") {
    std::filesystem::create_symlink("file", folder / "link");
    lae::AtomicFile file(folder / "link");
    file.write("new", 3);
    file.commit();
    CHECK(std::filesystem::is_symlink(folder / "link"));
    CHECK(read_bytes(path) == "new");
  }
}

TEST_CASE("real embeddings", "[npy][data]") {
  const auto path = test_data("games-10core/embeddings.npy");
  if (!path) return;
  const Matrix<float> embeddings = load_npy<float>(*path);
  CHECK(embeddings.rows() == 3168);
  CHECK(embeddings.cols() == 768);
  CHECK(embeddings.rowwise().norm().mean() == Approx(14.7).margin(0.1));
  CHECK(load_npy<double>(*path) == embeddings.cast<double>());

  const TemporaryFolder folder;
  save_npy(folder / "copy.npy", embeddings);
  CHECK(read_bytes(folder / "copy.npy") == read_bytes(*path));
}
