#pragma once

/// \file
/// SHA-256, as sha256sum prints it.

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <lae/io/file.hpp>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace example {

/// SHA-256 of bytes that come one part after the other.
class Sha256 {
 public:
  /// \throws std::bad_alloc, as the others: OpenSSL fails for no other reason here
  Sha256() {
    // Other threads may be at work when a program that fails ends.
    require(OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr) == 1);
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    // If there was no memory for what it needs once, it would go on without.
    require(OSSL_LIB_CTX_get0_global_default() != nullptr);
#endif
    context_.reset(EVP_MD_CTX_new());
    require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }

  void add(const void* data, std::size_t bytes) {
    require(EVP_DigestUpdate(context_.get(), data, bytes) == 1);
  }

  /// In hexadecimal digits. To be called once, after the last part.
  std::string digits() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    require(EVP_DigestFinal_ex(context_.get(), digest, &length) == 1);
    std::string text;
    for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  static void require(bool success) {
    if (!success) throw std::bad_alloc();
  }

  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// \param stop ends it early, with a meaningless result
/// \throws lae::FileError if the file cannot be read.
inline std::string sha256_of_file(const std::filesystem::path& path,
                                  const std::atomic<bool>& stop) {
  Sha256 sha256;
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(std::size_t(1) << 20);
  while (file && !stop) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    sha256.add(buffer.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof() && !stop) throw lae::FileError(path, "cannot be read");
  return sha256.digits();
}

}  // namespace example
