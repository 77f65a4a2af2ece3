#pragma once

/// \file
/// SHA-256, as sha256sum prints it.

#include <fmt/format.h>
#include <openssl/evp.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <lae/io/file.hpp>
#include <memory>
#include <string>
#include <vector>

namespace example {

/// SHA-256 of bytes that come one part after the other.
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }

  void add(const void* data, std::size_t bytes) { EVP_DigestUpdate(context_.get(), data, bytes); }

  /// In hexadecimal digits. To be called once, after the last part.
  std::string digits() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &length);
    std::string text;
    for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
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
