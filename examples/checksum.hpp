#pragma once

/// \file
/// SHA-256 of files, as sha256sum prints it.

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

/// \param stop ends it early, with a meaningless result
/// \throws lae::FileError if the file cannot be read.
inline std::string sha256_of_file(const std::filesystem::path& path,
                                  const std::atomic<bool>& stop) {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  const lae::detail::FileHandle file(std::fopen(path.string().c_str(), "rb"));
  std::vector<unsigned char> buffer(std::size_t(1) << 20);
  while (file && !stop) {
    const std::size_t bytes = std::fread(buffer.data(), 1, buffer.size(), file.get());
    if (bytes == 0) break;
    EVP_DigestUpdate(context.get(), buffer.data(), bytes);
  }
  if (!file || std::ferror(file.get()) != 0) {
    throw lae::FileError(path, "cannot be read: " + std::generic_category().message(errno));
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), digest, &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace example
