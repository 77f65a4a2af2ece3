#include "lae/io/npz.hpp"

#include <zip.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "files.hpp"
#include "test_data.hpp"

using Catch::Matchers::ContainsSubstring;
using lae::Csr;
using lae::Index;
using lae::load_npz;
using lae::Matrix;
using lae::NpzFormat;
using lae::save_npz;

namespace {

// Written by SciPy 1.10: [[1, 0, 2], [0, 0, 0], [0, 3.5, 0], [-4, 0, 0]], in the last one with 3 +
// 4 in place of 3.5.
const char* const csr_float32_compressed =
    "504b030414000000080000002100030eba3f4d000000900000000b001400696e64696365732e6e70790100100090"
    "000000000000004d000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a2aea3a09e965f"
    "54529498179f5f94920a12774bcc294e058a17672416a402f91a263a9a3a0ab50a14002e06206002624606080000"
    "504b030414000000080000002100c748ad4a4e000000940000000a001400696e647074722e6e7079010010009400"
    "0000000000004e000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a2aea3a09e965f54"
    "529498179f5f94920a12774bcc294e058a17672416a402f91aa63a9a3a0ab50a14002e0620608262662066016200"
    "504b030414000000080000002100a3c3749745000000830000000a001400666f726d61742e6e7079010010008300"
    "00000000000045000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e136cacaea3a09e965f54"
    "529498179f5f94920a12774bcc294e058a17672416a402f91a9a3a0ab50a1401aee4e22200504b03041400000008"
    "00000021008421ef5f4a000000900000000900140073686170652e6e70790100100090000000000000004a000000"
    "000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a1aea3a09e965f54529498179f5f94920a12"
    "774bcc294e058a17672416a402f91a463a9a3a0ab50a14002e1606086086d200504b030414000000080000002100"
    "9bbac0bf530000009000000008001400646174612e6e707901001000900000000000000053000000000000009bec"
    "17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a12774bcc294e05"
    "8a17672416a402f91a263a9a3a0ab50a14002e0686067b06060607068604206e380000504b010214031400000008"
    "0000002100030eba3f4d000000900000000b0000000000000000000000800100000000696e64696365732e6e7079"
    "504b0102140314000000080000002100c748ad4a4e000000940000000a000000000000000000000080018a000000"
    "696e647074722e6e7079504b0102140314000000080000002100a3c3749745000000830000000a00000000000000"
    "00000000800114010000666f726d61742e6e7079504b01021403140000000800000021008421ef5f4a0000009000"
    "000009000000000000000000000080019501000073686170652e6e7079504b01021403140000000800000021009b"
    "bac0bf530000009000000008000000000000000000000080011a020000646174612e6e7079504b05060000000005"
    "00050016010000a70200000000";

const char* const csc_float64_wide_compressed =
    "504b0304140000000800000021002f086e864d000000a00000000b001400696e64696365732e6e707901001000a0"
    "000000000000004d000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a1aea3a09e965f"
    "54529498179f5f94920a12774bcc294e058a17672416a402f91a263a9a3a0ab50a14002e06286086d24c0ca80000"
    "504b03041400000008000000210063f2692d4f000000a00000000a001400696e647074722e6e707901001000a000"
    "0000000000004f000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a1aea3a09e965f54"
    "529498179f5f94920a12774bcc294e058a17672416a402f91a263a9a3a0ab50a14002e06286082d2cc509a054a03"
    "00504b03041400000008000000210051e3c4fd45000000830000000a001400666f726d61742e6e70790100100083"
    "0000000000000045000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e136cacaea3a09e965f"
    "54529498179f5f94920a12774bcc294e058a17672416a402f91a9a3a0ab50a1401aee4e26400504b030414000000"
    "0800000021008421ef5f4a000000900000000900140073686170652e6e70790100100090000000000000004a0000"
    "00000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a1aea3a09e965f54529498179f5f94920a"
    "12774bcc294e058a17672416a402f91a463a9a3a0ab50a14002e1606086086d200504b0304140000000800000021"
    "0093a3753954000000a000000008001400646174612e6e707901001000a00000000000000054000000000000009b"
    "ec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a1aea3a09e965f54529498179f5f94920a12774bcc294e"
    "058a17672416a402f91a263a9a3a0ab50a14002e0630f8600fa1050e40681e0708cde00000504b01021403140000"
    "000800000021002f086e864d000000a00000000b0000000000000000000000800100000000696e64696365732e6e"
    "7079504b010214031400000008000000210063f2692d4f000000a00000000a000000000000000000000080018a00"
    "0000696e647074722e6e7079504b010214031400000008000000210051e3c4fd45000000830000000a0000000000"
    "000000000000800115010000666f726d61742e6e7079504b01021403140000000800000021008421ef5f4a000000"
    "9000000009000000000000000000000080019601000073686170652e6e7079504b01021403140000000800000021"
    "0093a3753954000000a000000008000000000000000000000080011b020000646174612e6e7079504b0506000000"
    "000500050016010000a90200000000";

const char* const coo_int16_stored_with_duplicate =
    "504b030414000000000000002100783266e8940000009400000007001400726f772e6e7079010010009400000000"
    "0000009400000000000000934e554d5059010076007b276465736372273a20273c6934272c2027666f727472616e"
    "5f6f72646572273a2046616c73652c20277368617065273a2028352c292c207d2020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020"
    "0a0000000000000000020000000300000002000000504b030414000000000000002100093e0cc994000000940000"
    "0007001400636f6c2e6e70790100100094000000000000009400000000000000934e554d5059010076007b276465"
    "736372273a20273c6934272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a20"
    "28352c292c207d202020202020202020202020202020202020202020202020202020202020202020202020202020"
    "2020202020202020202020202020202020202020200a0200000000000000010000000000000001000000504b0304"
    "1400000000000000210027f2051283000000830000000a001400666f726d61742e6e707901001000830000000000"
    "00008300000000000000934e554d5059010076007b276465736372273a20277c5333272c2027666f727472616e5f"
    "6f72646572273a2046616c73652c20277368617065273a2028292c207d2020202020202020202020202020202020"
    "2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200a"
    "636f6f504b0304140000000000000021008421ef5f90000000900000000900140073686170652e6e707901001000"
    "90000000000000009000000000000000934e554d5059010076007b276465736372273a20273c6938272c2027666f"
    "727472616e5f6f72646572273a2046616c73652c20277368617065273a2028322c292c207d202020202020202020"
    "20202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020200a04000000000000000300000000000000504b030414000000000000002100aa68d7e58a0000008a00"
    "000008001400646174612e6e7079010010008a000000000000008a00000000000000934e554d5059010076007b27"
    "6465736372273a20273c6932272c2027666f727472616e5f6f72646572273a2046616c73652c2027736861706527"
    "3a2028352c292c207d20202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020200a020001000300fcff0400504b01021403140000000000"
    "00002100783266e89400000094000000070000000000000000000000800100000000726f772e6e7079504b010214"
    "0314000000000000002100093e0cc994000000940000000700000000000000000000008001cd000000636f6c2e6e"
    "7079504b010214031400000000000000210027f2051283000000830000000a000000000000000000000080019a01"
    "0000666f726d61742e6e7079504b01021403140000000000000021008421ef5f9000000090000000090000000000"
    "00000000000080015902000073686170652e6e7079504b0102140314000000000000002100aa68d7e58a0000008a"
    "000000080000000000000000000000800124030000646174612e6e7079504b050600000000050005000f010000e8"
    "0300000000";

Matrix<double> example(double middle = 3.5) {
  Matrix<double> matrix(4, 3);
  matrix << 1, 0, 2, 0, 0, 0, 0, middle, 0, -4, 0, 0;
  return matrix;
}

template <class Scalar>
Csr<Scalar> sparse(const Matrix<double>& dense) {
  return dense.sparseView().cast<Scalar>();
}

/// Compressed, in range, and each row strictly increasing.
template <class Scalar>
bool is_canonical(const Csr<Scalar>& matrix) {
  bool canonical = matrix.isCompressed();
  for (Index row = 0; row < matrix.rows(); ++row) {
    Index previous = -1;
    for (typename Csr<Scalar>::InnerIterator entry(matrix, row); entry; ++entry) {
      canonical = canonical && entry.col() > previous && entry.col() < matrix.cols();
      previous = entry.col();
    }
  }
  return canonical;
}

/// The same entries in the same places, explicit zeros too.
template <class Scalar>
bool same_entries(const Csr<Scalar>& a, const Csr<Scalar>& b) {
  const auto same = [](const auto* x, const auto* y, Index count) {
    return std::equal(x, x + count, y);
  };
  return a.rows() == b.rows() && a.cols() == b.cols() && a.nonZeros() == b.nonZeros() &&
         same(a.outerIndexPtr(), b.outerIndexPtr(), a.rows() + 1) &&
         same(a.innerIndexPtr(), b.innerIndexPtr(), a.nonZeros()) &&
         same(a.valuePtr(), b.valuePtr(), a.nonZeros());
}

/// About a third of the cells, every value depending on its place.
Csr<double> scattered(Index rows, Index cols) {
  Csr<double> matrix(rows, cols);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = (i * i) % 5; j < cols; j += 1 + (i + j) % 5) {
      matrix.insert(i, j) = static_cast<double>(i * cols + j) / 4;
    }
  }
  matrix.makeCompressed();
  return matrix;
}

/// Names and contents of the files in an archive.
using Members = std::map<std::string, std::string>;

void write_archive(const std::filesystem::path& path, const Members& members,
                   zip_int32_t method = ZIP_CM_STORE) {
  zip_t* archive = zip_open(path.string().c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(archive != nullptr);
  for (const auto& [name, bytes] : members) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
    REQUIRE(index >= 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), method, 0);
  }
  REQUIRE(zip_close(archive) == 0);
}

std::string i32(const std::vector<std::int32_t>& numbers) {
  return npy_bytes("<i4", "(" + std::to_string(numbers.size()) + ",)", raw(numbers));
}

std::string i64(const std::vector<std::int64_t>& numbers) {
  return npy_bytes("<i8", "(" + std::to_string(numbers.size()) + ",)", raw(numbers));
}

std::string f64(const std::vector<double>& numbers) {
  return npy_bytes("<f8", "(" + std::to_string(numbers.size()) + ",)", raw(numbers));
}

Members csr_members() {
  return {{"format.npy", npy_bytes("|S3", "()", "csr")},
          {"shape.npy", i64({4, 3})},
          {"indptr.npy", i32({0, 2, 2, 3, 4})},
          {"indices.npy", i32({0, 2, 1, 0})},
          {"data.npy", f64({1, 2, 3.5, -4})}};
}

Members coo_members() {
  return {{"format.npy", npy_bytes("|S3", "()", "coo")},
          {"shape.npy", i64({4, 3})},
          {"row.npy", i32({3, 2, 0, 0})},
          {"col.npy", i32({0, 1, 2, 0})},
          {"data.npy", f64({-4, 3.5, 2, 1})}};
}

Members with(Members members, const std::string& name, const std::string& bytes) {
  members[name] = bytes;
  return members;
}

Members without(Members members, const std::string& name) {
  members.erase(name);
  return members;
}

template <class Scalar = double>
Csr<Scalar> read_members(const Members& members) {
  const TemporaryFolder folder;
  write_archive(folder / "matrix.npz", members);
  return load_npz<Scalar>(folder / "matrix.npz");
}

std::string error_of_bytes(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "matrix.npz";
  write_bytes(path, bytes);
  return file_error(path, [&] { return load_npz<float>(path); });
}

std::string bytes_of(const Members& members, zip_int32_t method = ZIP_CM_STORE) {
  const TemporaryFolder folder;
  write_archive(folder / "matrix.npz", members, method);
  return read_bytes(folder / "matrix.npz");
}

std::string error_of(const Members& members) {
  return error_of_bytes(bytes_of(members));
}

/// Overwrites bytes in the archive's list of members, in the entry of the first member; `offset`
/// counts from the entry's begin.
std::string patch_first_entry(std::string archive, std::size_t offset, const std::string& bytes) {
  const std::size_t entry = archive.find("PK\1\2");
  REQUIRE(entry != std::string::npos);
  return archive.replace(entry + offset, bytes.size(), bytes);
}

}  // namespace

TEMPLATE_TEST_CASE("load_npz reads what SciPy wrote", "[npz]", LAE_SCALARS) {
  const auto check = [](const std::string& hex, double middle) {
    const TemporaryFolder folder;
    write_bytes(folder / "matrix.npz", from_hex(hex));
    CHECK(
        same_entries(load_npz<TestType>(folder / "matrix.npz"), sparse<TestType>(example(middle))));
  };
  check(csr_float32_compressed, 3.5);
  check(csc_float64_wide_compressed, 3.5);
  check(coo_int16_stored_with_duplicate, 7);
}

TEMPLATE_TEST_CASE("a matrix in a .npz file survives", "[npz]", LAE_SCALARS) {
  const NpzFormat format = GENERATE(NpzFormat::csr, NpzFormat::csc, NpzFormat::coo);
  const bool compress = GENERATE(false, true);
  const bool wide = GENERATE(false, true);
  const auto [rows, cols] = GENERATE(std::pair<Index, Index>(200, 150),
                                     std::pair<Index, Index>(1, 1), std::pair<Index, Index>(0, 4),
                                     std::pair<Index, Index>(4, 0), std::pair<Index, Index>(0, 0));
  const Csr<TestType> matrix = scattered(rows, cols).template cast<TestType>();
  const TemporaryFolder folder;
  save_npz(folder / "matrix.npz", matrix, {format, compress, wide});
  CHECK(folder.file_count() == 1);
  const Csr<TestType> same = load_npz<TestType>(folder / "matrix.npz");
  CHECK(is_canonical(same));
  CHECK(same_entries(same, matrix));
  CHECK(same_entries(load_npz<float>(folder / "matrix.npz"),
                     Csr<float>(matrix.template cast<float>())));
}

TEST_CASE("rows and columns without entries survive", "[npz]") {
  const NpzFormat format = GENERATE(NpzFormat::csr, NpzFormat::csc, NpzFormat::coo);
  Csr<double> matrix(5, 7);
  const Index entries = GENERATE(0, 1);
  if (entries == 1) matrix.insert(3, 2) = 0;  // An explicit zero.
  matrix.makeCompressed();
  const TemporaryFolder folder;
  save_npz(folder / "matrix.npz", matrix, {format});
  CHECK(same_entries(load_npz<double>(folder / "matrix.npz"), matrix));
}

TEST_CASE("save_npz takes any sparse expression", "[npz]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "matrix.npz";
  const NpzFormat format = GENERATE(NpzFormat::csr, NpzFormat::csc, NpzFormat::coo);
  const Csr<double> matrix = scattered(30, 20);
  const auto survives = [&](const auto& expression, const Csr<double>& expected) {
    save_npz(path, expression, {format});
    return same_entries(load_npz<double>(path), expected);
  };
  CHECK(survives(Eigen::SparseMatrix<double>(matrix), matrix));
  CHECK(survives(matrix.transpose(), Csr<double>(matrix.transpose())));
  CHECK(survives(matrix.middleRows(7, 9), Csr<double>(matrix.middleRows(7, 9))));
  CHECK(survives(2 * matrix, Csr<double>(2 * matrix)));

  Csr<double> with_room(3, 3);
  with_room.reserve(Eigen::Vector3i(2, 2, 2));
  with_room.insert(1, 2) = 5;
  REQUIRE_FALSE(with_room.isCompressed());
  Csr<double> compressed = with_room;
  compressed.makeCompressed();
  CHECK(survives(with_room, compressed));

  Eigen::SparseVector<double> vector(3);
  vector.insert(1) = 5;
  CHECK(survives(vector, Csr<double>(Matrix<double>(Eigen::Vector3d(0, 5, 0)).sparseView())));
}

TEST_CASE("options of save_npz", "[npz]") {
  const TemporaryFolder folder;
  const Csr<double> matrix = scattered(100, 80);
  const auto file_size = [&](lae::NpzOptions options) {
    save_npz(folder / "matrix.npz", matrix, options);
    return std::filesystem::file_size(folder / "matrix.npz");
  };
  const auto entries = static_cast<std::uintmax_t>(matrix.nonZeros());
  const auto stored = file_size({NpzFormat::csr, false});
  CHECK(file_size({NpzFormat::csr}) < stored);
  CHECK(file_size({NpzFormat::csr, false, true}) == stored + 4 * (entries + 101));
  CHECK(file_size({NpzFormat::csc, false, true}) == stored + 4 * entries + 8 * 81 - 4 * 101);
  const auto coordinates = file_size({NpzFormat::coo, false});
  CHECK(file_size({NpzFormat::coo, false, true}) == coordinates + 4 * 2 * entries);
}

TEST_CASE("indices that need 64 bits are written so", "[npz]") {
  Csr<double> matrix(2, Index{1} << 40);
  matrix.startVec(0);
  matrix.startVec(1);
  matrix.insertBack(1, (Index{1} << 40) - 1) = 5;
  matrix.finalize();
  const NpzFormat format = GENERATE(NpzFormat::csr, NpzFormat::coo);
  const TemporaryFolder folder;
  save_npz(folder / "matrix.npz", matrix, {format});
  CHECK(same_entries(load_npz<double>(folder / "matrix.npz"), matrix));
}

TEST_CASE("the same matrix gives the same bytes", "[npz]") {
  const TemporaryFolder folder;
  save_npz(folder / "a.npz", scattered(30, 20));
  const std::string bytes = read_bytes(folder / "a.npz");
  save_npz(folder / "b.npz", scattered(30, 20));
  CHECK(read_bytes(folder / "b.npz") == bytes);
  // Members bear the first moment a zip archive knows, at bytes 10 to 13: no clock, no time zone.
  CHECK(bytes.substr(10, 4) == std::string("\0\0\x21\0", 4));
}

TEST_CASE("every type of values and indices is read", "[npz]") {
  Members members = csr_members();
  const auto [descr, data] = GENERATE(table<std::string, std::string>({
      {"<f4", raw(std::vector<float>{1, 2, 3, 4})},
      {"<f8", raw(std::vector<double>{1, 2, 3, 4})},
      {"|i1", raw(std::vector<std::int8_t>{1, 2, 3, 4})},
      {"<i2", raw(std::vector<std::int16_t>{1, 2, 3, 4})},
      {"<i4", raw(std::vector<std::int32_t>{1, 2, 3, 4})},
      {"<i8", raw(std::vector<std::int64_t>{1, 2, 3, 4})},
      {"|u1", raw(std::vector<std::uint8_t>{1, 2, 3, 4})},
      {"<u2", raw(std::vector<std::uint16_t>{1, 2, 3, 4})},
      {"<u4", raw(std::vector<std::uint32_t>{1, 2, 3, 4})},
      {"<u8", raw(std::vector<std::uint64_t>{1, 2, 3, 4})},
      {"<f2", from_hex("003c004000420044")},
      {">f2", from_hex("3c00400042004400")},
      {">f4", from_hex("3f800000400000004040000040800000")},
      {">f8", from_hex("3ff0000000000000400000000000000040080000000000004010000000000000")},
      {">i2", from_hex("0001000200030004")},
      {">u4", from_hex("00000001000000020000000300000004")},
      {">i8", from_hex("0000000000000001000000000000000200000000000000030000000000000004")},
  }));
  members["data.npy"] = npy_bytes(descr, "(4,)", data);
  Matrix<double> expected(4, 3);
  expected << 1, 0, 2, 0, 0, 0, 0, 3, 0, 4, 0, 0;
  CHECK(same_entries(read_members(members), sparse<double>(expected)));
  members["indptr.npy"] = i64({0, 2, 2, 3, 4});
  CHECK(same_entries(read_members(members), sparse<double>(expected)));
  members["indices.npy"] = i64({0, 2, 1, 0});
  members["shape.npy"] = i32({4, 3});
  members["indptr.npy"] =
      npy_bytes(">i4", "(5,)", from_hex("0000000000000002000000020000000300000004"));
  members["indices.npy"] = npy_bytes(
      ">i8", "(4,)", from_hex("0000000000000000000000000000000200000000000000010000000000000000"));
  CHECK(same_entries(read_members<float>(members), sparse<float>(expected)));
}

TEST_CASE("signs and truth are kept", "[npz]") {
  Members members = csr_members();
  members["data.npy"] = npy_bytes("|i1", "(4,)", raw(std::vector<std::int8_t>{-128, 127, -1, 0}));
  CHECK(read_members(members).coeff(0, 0) == -128);
  members["data.npy"] = npy_bytes("|u1", "(4,)", raw(std::vector<std::uint8_t>{255, 1, 1, 1}));
  CHECK(read_members(members).coeff(0, 0) == 255);
  members["data.npy"] = npy_bytes("|b1", "(4,)", raw(std::vector<std::uint8_t>{1, 0, 1, 2}));
  const Csr<double> truth = read_members(members);
  CHECK(truth.coeff(0, 0) == 1);
  CHECK(truth.coeff(0, 2) == 0);
  CHECK(truth.coeff(3, 0) == 1);
  CHECK(truth.nonZeros() == 4);
}

TEST_CASE("the format may be bytes or characters, and other members are ignored", "[npz]") {
  Members members = csr_members();
  members["_is_array.npy"] = npy_bytes("|b1", "()", "\1");
  CHECK(same_entries(read_members(members), sparse<double>(example())));
  members["format.npy"] = npy_bytes("<U3", "()", raw(std::vector<char32_t>{U'c', U's', U'r'}));
  CHECK(same_entries(read_members(members), sparse<double>(example())));
}

TEST_CASE("rows are sorted and duplicates added up", "[npz]") {
  Matrix<double> expected(3, 4);
  expected << 0, 0, 0, 0, 5, 6, 0, 1, 0, 0, 7, 0;
  const std::string data = f64({1, 2, 3, 3, 3, 4, 3});
  const auto members = [&](const char* format, std::int64_t rows, std::int64_t cols) -> Members {
    return {{"format.npy", npy_bytes("|S3", "()", format)},
            {"shape.npy", i64({rows, cols})},
            {"data.npy", data}};
  };
  SECTION("csr") {
    Members csr = members("csr", 3, 4);
    csr["indptr.npy"] = i32({0, 0, 5, 7});
    csr["indices.npy"] = i32({3, 0, 1, 0, 1, 2, 2});
    const Csr<double> matrix = read_members(csr);
    CHECK(is_canonical(matrix));
    CHECK(same_entries(matrix, sparse<double>(expected)));
  }
  SECTION("csc, transposed") {
    Members csc = members("csc", 4, 3);
    csc["indptr.npy"] = i32({0, 0, 5, 7});
    csc["indices.npy"] = i32({3, 0, 1, 0, 1, 2, 2});
    const Csr<double> matrix = read_members(csc);
    CHECK(is_canonical(matrix));
    CHECK(same_entries(matrix, sparse<double>(expected.transpose())));
  }
  SECTION("coo") {
    Members coo = members("coo", 3, 4);
    coo["row.npy"] = i32({1, 1, 1, 1, 1, 2, 2});
    coo["col.npy"] = i32({3, 0, 1, 0, 1, 2, 2});
    const Csr<double> matrix = read_members(coo);
    CHECK(is_canonical(matrix));
    CHECK(same_entries(matrix, sparse<double>(expected)));
  }
}

TEST_CASE("missing members are named", "[npz]") {
  const auto missing = [](const Members& members, const std::string& name) {
    const std::string error = error_of(without(members, name));
    CHECK_THAT(error, ContainsSubstring("has no member " + name));
    CHECK_THAT(error, ContainsSubstring("scipy.sparse.save_npz"));
  };
  for (const char* name : {"format.npy", "shape.npy", "indptr.npy", "indices.npy", "data.npy"}) {
    missing(csr_members(), name);
  }
  for (const char* name : {"row.npy", "col.npy", "data.npy"}) missing(coo_members(), name);
  // What numpy.savez makes of a dense matrix.
  CHECK_THAT(error_of({{"arr_0.npy", f64({1, 2})}}), ContainsSubstring("not a sparse matrix"));
}

TEST_CASE("other sparse formats are named, with a way out", "[npz]") {
  const std::string format = GENERATE("bsr", "dia");
  const std::string error =
      error_of(with(csr_members(), "format.npy", npy_bytes("|S3", "()", format)));
  CHECK_THAT(error, ContainsSubstring("in format '" + format + "'"));
  CHECK_THAT(error, ContainsSubstring("scipy.sparse.save_npz(path, matrix.tocsr())"));
}

TEST_CASE("arrays that contradict each other are errors", "[npz]") {
  const auto [name, bytes, message] = GENERATE(table<std::string, std::string, std::string>({
      {"indptr.npy", i32({0, 2, 2, 4}), "has length 4, expected 5 (rows + 1)"},
      {"indptr.npy", i32({1, 2, 2, 3, 4}), "begins with 1, not with 0"},
      {"indptr.npy", i32({0, 2, 1, 3, 4}), "falls from 2 to 1 at entry 2"},
      {"indptr.npy", i32({0, 2, 2, 3, 5}), "has length 4, expected 5 (the last entry of indptr)"},
      {"indptr.npy", i32({0, 2, 2, 3, 3}), "has length 4, expected 3 (the last entry of indptr)"},
      {"indptr.npy", i32({0, -1, 2, 3, 4}), "falls from 0 to -1"},
      {"indptr.npy", i64({0, 2, 2, 3, std::numeric_limits<std::int64_t>::max()}),
       "has length 4, expected 9223372036854775807"},
      {"indices.npy", i32({0, 3, 1, 0}), "entry 1 is 3, not in [0, 3)"},
      {"indices.npy", i32({0, 2, 1, -1}), "entry 3 is -1, not in [0, 3)"},
      {"indices.npy", i32({0, 2, 1}), "has length 3, expected 4"},
      {"data.npy", f64({1, 2, 3}), "has length 3, expected 4"},
      {"shape.npy", i64({4}), "has length 1, expected 2 (rows and columns)"},
      {"shape.npy", i64({4, -3}), "impossible shape 4 x -3"},
      {"shape.npy", i64({-4, 3}), "impossible shape -4 x 3"},
      {"shape.npy", i64({std::numeric_limits<std::int64_t>::max(), 3}), "impossible shape"},
      {"shape.npy", i64({5, 3}), "has length 5, expected 6 (rows + 1)"},
      {"format.npy", i32({1}), "is not the name of a sparse format"},
      {"format.npy", npy_bytes("|S3", "(1,)", "csr"), "is not the name of a sparse format"},
      {"indices.npy", npy_bytes("<i4", "(2, 2)", raw(std::vector<std::int32_t>{0, 2, 1, 0})),
       "has 2 dimensions, expected 1"},
  }));
  CAPTURE(name);
  CHECK_THAT(error_of(with(csr_members(), name, bytes)), ContainsSubstring(message));
}

TEST_CASE("coordinates that contradict each other are errors", "[npz]") {
  const auto [name, bytes, message] = GENERATE(table<std::string, std::string, std::string>({
      {"row.npy", i32({3, 2, 0}), "has length 3, expected 4 (the length of data)"},
      {"col.npy", i32({3, 2, 0}), "has length 3, expected 4 (the length of data)"},
      {"row.npy", i32({4, 2, 0, 0}), "entry 0 is 4, not in [0, 4)"},
      {"col.npy", i32({0, 1, 2, -1}), "entry 3 is -1, not in [0, 3)"},
  }));
  const std::string error = error_of(with(coo_members(), name, bytes));
  CHECK_THAT(error, ContainsSubstring(", " + name));
  CHECK_THAT(error, ContainsSubstring(message));
}

TEST_CASE("coordinates may stand together", "[npz]") {
  // As newer versions of SciPy may write a coo_array.
  const auto coords = [](const char* order, const std::string& shape,
                         const std::vector<std::int64_t>& numbers) {
    Members members = without(without(coo_members(), "row.npy"), "col.npy");
    members["coords.npy"] = npy_bytes(
        std::string("{'descr': '<i8', 'fortran_order': ") + order + ", 'shape': " + shape + "}",
        raw(numbers));
    members["_is_array.npy"] = npy_bytes("|b1", "()", "\1");
    return members;
  };
  CHECK(same_entries(read_members(coords("False", "(2, 4)", {3, 2, 0, 0, 0, 1, 2, 0})),
                     sparse<double>(example())));
  CHECK(same_entries(read_members(coords("True", "(2, 4)", {3, 0, 2, 1, 0, 2, 0, 0})),
                     sparse<double>(example())));
  CHECK_THAT(error_of(coords("False", "(2, 3)", {3, 2, 0, 0, 1, 2})),
             ContainsSubstring("coords.npy: has length 3, expected 4 (the length of data)"));
  CHECK_THAT(error_of(coords("False", "(3, 4)", {3, 2, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0})),
             ContainsSubstring("coords.npy: has length 3, expected 2 (rows and columns)"));
  CHECK_THAT(error_of(coords("False", "(8,)", {3, 2, 0, 0, 0, 1, 2, 0})),
             ContainsSubstring("has 1 dimensions, expected 2"));
  CHECK_THAT(error_of(coords("False", "(2, 4)", {4, 2, 0, 0, 0, 1, 2, 0})),
             ContainsSubstring("entry 0 is 4, not in [0, 4)"));
  CHECK_THAT(error_of(coords("False", "(2, 4)", {3, 2, 0, 0, 0, 1, 3, 0})),
             ContainsSubstring("entry 2 is 3, not in [0, 3)"));
}

TEST_CASE("a number of rows that no member confirms is no reason to allocate memory", "[npz]") {
  const std::string shape = i64({std::int64_t(1) << 40, 3});
  CHECK_THAT(error_of(with(coo_members(), "shape.npy", shape)),
             ContainsSubstring("claims to hold a matrix of 1099511627776 x 3 in "));
  Members csc = with(csr_members(), "shape.npy", shape);
  csc["format.npy"] = npy_bytes("|S3", "()", "csc");
  CHECK_THAT(error_of(csc), ContainsSubstring("claims to hold a matrix"));
  // Nor is one of columns, also where rows come unsorted.
  Members wide = with(coo_members(), "shape.npy", i64({4, std::int64_t(1) << 50}));
  wide["row.npy"] = i32({1, 1, 0, 3});
  wide["col.npy"] = i32({2, 0, 0, 1});
  const Csr<double> matrix = read_members(wide);
  CHECK(matrix.cols() == std::int64_t(1) << 50);
  CHECK(is_canonical(matrix));
  CHECK(matrix.nonZeros() == 4);
  // Users or items without entries are fine.
  CHECK(read_members(with(coo_members(), "shape.npy", i64({1'000'000, 3}))).rows() == 1'000'000);
}

TEST_CASE("other types of values and indices are named", "[npz]") {
  const auto refused = [](const std::string& name, const std::string& descr,
                          const std::string& elements) {
    return error_of(with(csr_members(), name, npy_bytes(descr, "(4,)", elements)));
  };
  CHECK_THAT(refused("data.npy", "<c8", std::string(32, '\0')),
             ContainsSubstring("data.npy: holds complex64 ('<c8')"));
  CHECK_THAT(refused("data.npy", "|O", "pickle"), ContainsSubstring("holds Python objects"));
  CHECK_THAT(refused("data.npy", ">f16", std::string(64, '\0')),
             ContainsSubstring("holds big-endian float128"));
  CHECK_THAT(refused("indices.npy", "<f4", std::string(16, '\0')),
             ContainsSubstring("indices.npy: holds float32 ('<f4'), but what is read is int32"));
}

TEST_CASE("foreign and damaged archives are errors", "[npz]") {
  CHECK_THAT(error_of_bytes("user,item\n1,2\n"), ContainsSubstring("is not a zip archive"));
  CHECK_THAT(error_of_bytes(""), ContainsSubstring("is not a zip archive"));
  CHECK_THAT(error_of_bytes("version https://git-lfs.github.com/spec/v1\n"),
             ContainsSubstring("or only a part of one: it is a Git LFS pointer"));
  CHECK_THAT(error_of_bytes(from_hex("934e554d505901007600")),
             ContainsSubstring("it is a NumPy array"));

  const std::string whole = bytes_of(csr_members());
  for (const std::size_t part : {whole.size() / 2, whole.size() - 1}) {
    CHECK_THAT(error_of_bytes(whole.substr(0, part)), ContainsSubstring("only a part of one"));
  }

  SECTION("a changed byte, stored") {
    // The last byte of the number 3.5: still a valid array, so only the checksum tells.
    const std::size_t value = whole.find(raw(std::vector<double>{3.5}));
    REQUIRE(value != std::string::npos);
    std::string changed = whole;
    changed[value + 6] ^= 1;
    const std::string error = error_of_bytes(changed);
    CHECK_THAT(error, ContainsSubstring("data.npy"));
    CHECK_THAT(error, ContainsSubstring("CRC error"));
  }
  SECTION("the checksum of an array without elements is checked, too") {
    Members empty = csr_members();
    empty["data.npy"] = f64({});
    empty["indices.npy"] = i32({});
    empty["indptr.npy"] = i32({0, 0, 0, 0, 0});
    CHECK(read_members(empty).nonZeros() == 0);
    std::string changed = bytes_of(empty);
    const std::size_t spelling = changed.find("'fortran_order': False");
    REQUIRE(spelling != std::string::npos);
    changed[spelling] = changed[spelling + 14] = '"';
    CHECK_THAT(error_of_bytes(changed), ContainsSubstring("CRC error"));
  }
  SECTION("changed bytes, compressed") {
    std::string changed = bytes_of(csr_members(), ZIP_CM_DEFLATE);
    // The first member's data begins behind its header of 30 bytes and its name.
    changed.replace(30 + std::string("data.npy").size(), 8, "\xff\xff\xff\xff\xff\xff\xff\xff");
    CHECK_THAT(error_of_bytes(changed), ContainsSubstring("data.npy, byte 0: cannot be read: "));
  }
}

TEST_CASE("an archive cannot make load_npz allocate more than it can hold", "[npz]") {
  // Sizes are at byte 20 (compressed) and 24 of an entry; the first member is data.npy.
  const std::string whole = bytes_of(csr_members());
  const std::string large = raw(std::vector<std::uint32_t>{0x7fffffff});
  CHECK_THAT(error_of_bytes(patch_first_entry(whole, 24, large)),
             ContainsSubstring("data.npy: claims to hold 2147483647 bytes in "));
  CHECK_THAT(error_of_bytes(patch_first_entry(whole, 20, large + large)),
             ContainsSubstring("bytes in 2147483647, which is not possible"));
  const std::string deflated = bytes_of(csr_members(), ZIP_CM_DEFLATE);
  CHECK_THAT(error_of_bytes(patch_first_entry(deflated, 24, large)),
             ContainsSubstring("data.npy: claims to hold 2147483647 bytes in "));

  // The array itself may lie as well.
  const std::string array = npy_bytes("<f8", "(1000000000000,)", raw(std::vector<double>{1}));
  CHECK_THAT(error_of(with(csr_members(), "data.npy", array)),
             ContainsSubstring("expected to take 8000000000000 bytes, but 8 follow"));
}

TEST_CASE("other compression methods are named", "[npz]") {
  // The method is at byte 10 of an entry.
  const std::string changed =
      patch_first_entry(bytes_of(csr_members()), 10, std::string("\x0c\0", 2));
  CHECK_THAT(error_of_bytes(changed), ContainsSubstring("data.npy: is compressed by method 12"));
}

TEST_CASE("load_npz says why a file cannot be opened", "[npz]") {
  const TemporaryFolder folder;
  const std::filesystem::path missing = folder / "missing.npz";
  CHECK_THAT(file_error(missing, [&] { return load_npz<float>(missing); }),
             ContainsSubstring("No such file"));
}

TEST_CASE("save_npz says why a file cannot be written", "[npz]") {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "");
  const std::filesystem::path in_file = folder / "file/matrix.npz";
  CHECK_THAT(file_error(in_file, [&] { save_npz(in_file, sparse<double>(example())); }),
             ContainsSubstring("cannot be written: Not a directory"));
}

TEST_CASE("a write that fails half-way leaves the old .npz file", "[npz]") {
  const bool compress = GENERATE(false, true);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "matrix.npz";
  save_npz(path, sparse<double>(example()));
  {
    const FileSizeLimit limit(2000);
    CHECK_THAT(file_error(path,
                          [&] {
                            save_npz(path, scattered(300, 200), {NpzFormat::csr, compress});
                          }),
               ContainsSubstring("cannot be written: "));
  }
  CHECK(same_entries(load_npz<double>(path), sparse<double>(example())));
  CHECK(folder.file_count() == 1);
}

TEST_CASE("real interactions", "[npz][data]") {
  const auto path = test_data("games-10core/train.npz");
  if (!path) return;
  const Csr<float> train = load_npz<float>(*path);
  CHECK(train.rows() == 5305);
  CHECK(train.cols() == 3168);
  CHECK(train.nonZeros() == 67819);
  CHECK(std::count(train.valuePtr(), train.valuePtr() + train.nonZeros(), 1.0F) == 67819);
  CHECK(is_canonical(train));

  const TemporaryFolder folder;
  const NpzFormat format = GENERATE(NpzFormat::csr, NpzFormat::csc, NpzFormat::coo);
  save_npz(folder / "copy.npz", train, {format});
  CHECK(same_entries(load_npz<float>(folder / "copy.npz"), train));
}
