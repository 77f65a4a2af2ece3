// The page of serve, in a browser.

#include <filesystem>
#include <string>

#include "catch.hpp"
#include "serve_shop.hpp"

namespace {

TEST_CASE("serve_page: it is used by keyboard, and on a phone") {
  const std::string chromium = "/usr/bin/chromium";
  const std::string python = "/usr/bin/python3";
  for (const std::string& program : {chromium, python}) {
    if (std::filesystem::exists(program)) continue;
    WARN("skipped: no " << program << " (Debian packages: chromium python3)");
    return;
  }
  const ServeShop shop;
  shop.save("other.lae", 20);
  ServeProgram program(shop, {"--compare", (shop.folder / "other.lae").string()});
  const Ending ending =
      run({python, LAE_TESTS "/serve_page_test.py", "--chromium", chromium, "--type", "coffee",
           "--url", "http://127.0.0.1:" + std::to_string(program.port()) + "/"});
  INFO(ending.out << ending.err);
  CHECK(ending.code == 0);
}

}  // namespace
