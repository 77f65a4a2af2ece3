#pragma once

/// \file
/// A report in Markdown as one HTML page with its pictures inside, which opens from disk and asks
/// the network for nothing.

#include <md4c-html.h>
#include <openssl/evp.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>

namespace example {
namespace detail {

inline std::string html_of(const std::string& markdown) {
  std::string html;
  const auto append = [](const MD_CHAR* text, MD_SIZE size, void* out) {
    static_cast<std::string*>(out)->append(text, size);
  };
  if (md_html(markdown.data(), static_cast<MD_SIZE>(markdown.size()), append, &html,
              MD_FLAG_TABLES | MD_FLAG_NOHTML, 0) != 0) {
    throw std::runtime_error("a report that is no Markdown");
  }
  return html;
}

/// A file's bytes as the text of a data URI.
inline std::string base64_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // and the zero that is added
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

/// Replaces every match by what `replacement` makes of it.
template <class Replacement>
std::string replaced(const std::string& text, const char* pattern, Replacement&& replacement) {
  const std::regex regex(pattern);
  std::string result;
  auto rest = text.begin();
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match) {
    result.append(rest, (*match)[0].first);
    result += replacement(*match);
    rest = (*match)[0].second;
  }
  return result.append(rest, text.end());
}

inline constexpr std::string_view page_style = R"(
:root { color-scheme: light dark; --line: #8886; --link: #2563a8 }
@media (prefers-color-scheme: dark) { :root { --link: #8ab8e8 } }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; font: 1rem/1.5 system-ui, sans-serif }
a { color: var(--link) }
h1 { font-size: 1.6rem }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line) }
h3 { margin-top: 2rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap }
th { text-align: left }
th[align=right] { text-align: right }
td:last-child { white-space: normal; min-width: 4rem }
th:first-child, td:first-child { position: sticky; left: 0; background: Canvas }
figure { margin: 1rem 0 }
figcaption { font-size: .9rem }
img { background: white }
@media (min-width: 50rem) { img { max-width: 100% } }
nav ul { columns: 20rem; padding-left: 1rem }
nav summary { cursor: pointer }
)";

}  // namespace detail

/// \param folder that the links of pictures start from
/// \throws std::runtime_error if the text is not Markdown.
inline std::string report_page(const std::string& markdown, const std::filesystem::path& folder) {
  using Match = std::smatch;
  std::string body = detail::html_of(markdown);
  body = detail::replaced(
      body, "<p><img src=\"([^\"]+)\" alt=\"([^\"]*)\"[^>]*></p>", [&](const Match& picture) {
        return "<figure><div class=\"wide\" tabindex=\"0\"><img alt=\"" + picture.str(2) +
               "\" src=\"data:image/png;base64," + detail::base64_of(folder / picture.str(1)) +
               "\"></div><figcaption>" + picture.str(2) + "</figcaption></figure>";
      });
  // Wider than a phone: these scroll, not the page.
  body = detail::replaced(body, "<table>", [](const Match&) {
    return std::string("<div class=\"wide\" tabindex=\"0\"><table>");
  });
  body = detail::replaced(body, "</table>",
                          [](const Match&) { return std::string("</table></div>"); });
  std::string title = "Report";
  std::string contents;
  int count = 0;
  body = detail::replaced(body, "<h([123])>(.*?)</h[123]>", [&](const Match& heading) {
    if (heading.str(1) == "1") {
      title = heading.str(2);
      return heading.str(0);
    }
    const std::string id = "part-" + std::to_string(++count);
    if (heading.str(1) == "2") {
      contents += std::string(contents.empty() ? "" : "</ul></details>") +
                  "<details open><summary>" + heading.str(2) + "</summary><ul>";
    } else {
      contents += "<li><a href=\"#" + id + "\">" + heading.str(2) + "</a></li>";
    }
    return "<h" + heading.str(1) + " id=\"" + id + "\">" + heading.str(2) + "</h" + heading.str(1) +
           ">";
  });
  if (!contents.empty()) contents = "<nav>" + contents + "</ul></details></nav>\n";
  const std::size_t first_set = body.find("<h2");
  if (first_set != std::string::npos) body.insert(first_set, contents);
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         title + "</title>\n<style>" + std::string(detail::page_style) +
         "</style>\n</head>\n<body>\n" + body + "</body>\n</html>\n";
}

}  // namespace example
