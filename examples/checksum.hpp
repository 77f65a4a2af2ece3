#pragma once

/// \file
/// SHA-256, as sha256sum prints it.

#include <fmt/format.h>
#include <openssl/evp.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <lae/io/file.hpp>
#include <memory>
#include <string>
#include <system_error>
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
  const lae::detail::FileHandle file(std::fopen(path.string().c_str(), "rb"));
  std::vector<unsigned char> buffer(std::size_t(1) << 20);
  while (file && !stop) {
    const std::size_t bytes = std::fread(buffer.data(), 1, buffer.size(), file.get());
    if (bytes == 0) break;
    sha256.add(buffer.data(), bytes);
  }
  if (!file || std::ferror(file.get()) != 0) {
    throw lae::FileError(path, "cannot be read: " + std::generic_category().message(errno));
  }
  return sha256.digits();
}

}  // namespace example
