#!/usr/bin/env python3
"""The rooms of include/lae: which may include which, and what belongs in a public header.

A room is a folder of include/lae together with the folder of the same name in include/lae/detail.
"""

import pathlib
import re
import sys
import unittest

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"

# Each room, and the rooms that its headers may include besides their own. README.md says the same.
MAY_INCLUDE = {
    "core": "",
    "algebra": "core",
    "recipe": "core algebra",
    "ranking": "core",
    "evaluation": "core ranking",
    "models": "core algebra recipe ranking",
    "tuning": "core algebra recipe ranking evaluation models",
    "io": "core ranking models",
    "data": "core algebra io",
}

# Stand in no room: everything at once, and the version.
ROOMLESS = {
    "lae/lae.hpp",
    "lae/blocks.hpp",
    "lae/spectral.hpp",
    "lae/updatable.hpp",
    "lae/version.hpp",
    "lae/instances.hpp",
    "lae/detail/instances.hpp",
}

FILES = re.compile(r"#include <(fstream|cstdio|stdio\.h|filesystem)>")
MAY_TOUCH_FILES = re.compile(r"lae/(detail/)?(io|data)/|lae/detail/core/machine_memory\.hpp")

# What a header that names the left includes itself, so that it compiles whatever came before. That
# Eigen is there is taken for granted where headers are compiled alone, so this is its only check.
NEEDS = {
    r"Eigen::": r"<Eigen/|\"lae/core/types\.hpp\"",
    r"std::(min|max|sort|stable_sort|nth_element|fill|copy|find_if|lower_bound|any_of|all_of)\b": "<algorithm>",
    r"std::array\b": "<array>",
    r"std::(sqrt|abs|pow|log2?|exp|isfinite|isnan|isinf|floor|ceil|hypot)\b": "<cmath>",
    r"std::(u?int(8|16|32|64)_t)\b": "<cstdint>",
    r"std::(memcpy|memcmp|memmove|strlen|strerror)\b": "<cstring>",
    r"std::function\b": "<functional>",
    r"std::numeric_limits\b": "<limits>",
    r"std::map\b": "<map>",
    r"std::(unique_ptr|shared_ptr|make_unique|make_shared)\b": "<memory>",
    r"std::(iota|accumulate)\b": "<numeric>",
    r"std::optional\b": "<optional>",
    r"std::set\b": "<set>",
    r"std::string\b": "<string>",
    r"std::string_view\b": "<string_view>",
    r"std::(is_same_v|enable_if_t|conditional_t|decay_t|remove_\w+_t|is_\w+_v)\b": "<type_traits>",
    r"std::unordered_map\b": "<unordered_map>",
    r"std::(move|pair|forward|exchange|swap)\b": "<utility>",
    r"std::variant\b": "<variant>",
    r"std::vector\b": "<vector>",
}


def code_of(text):
    """The text without its comments."""
    return re.sub(r"//.*", "", text)


def headers():
    """Each header's name, as one includes it, and its text."""
    for path in sorted(INCLUDE.rglob("*.hpp")):
        yield path.relative_to(INCLUDE).as_posix(), path.read_text(encoding="utf-8")


def room_of(header):
    parts = header.split("/")
    return parts[2] if parts[1] == "detail" else parts[1]


def includes_of(text):
    return re.findall(r'^\s*#\s*include\s*["<](lae/[^">]+)[">]', text, re.MULTILINE)


class Layers(unittest.TestCase):
    def test_rooms_include_what_they_may(self):
        problems = []
        for header, text in headers():
            if header in ROOMLESS:
                continue
            room = room_of(header)
            allowed = {room, *MAY_INCLUDE.get(room, "").split()}
            if room not in MAY_INCLUDE:
                problems.append(f"{header}: its room is not known to {pathlib.Path(__file__).name}")
                continue
            for included in includes_of(text):
                if included == "lae/version.hpp":
                    continue
                if included in ROOMLESS or room_of(included) not in allowed:
                    problems.append(f"{header}: {room} may not include {included}")
        self.assertEqual(problems, [], "\n" + "\n".join(problems))

    def test_rooms_have_an_order(self):
        """No room may include, through others, itself."""
        below = {room: set(others.split()) for room, others in MAY_INCLUDE.items()}
        while below:
            lowest = [room for room, others in below.items() if not others & below.keys()]
            self.assertTrue(lowest, f"a circle among {sorted(below)}")
            for room in lowest:
                del below[room]

    def test_public_headers_hold_no_internals(self):
        problems = [
            header
            for header, text in headers()
            if "/detail/" not in header and re.search(r"\bnamespace\s+(\w+::)*detail\b", text)
        ]
        self.assertEqual(problems, [], "\n" + "\n".join(problems))

    def test_headers_include_what_they_name(self):
        problems = []
        for header, text in headers():
            code = code_of(text)
            for names, file in NEEDS.items():
                if re.search(names, code) and not re.search(rf"#include ({file})", text):
                    problems.append(f"{header}: needs #include {file}")
        self.assertEqual(problems, [], "\n" + "\n".join(problems))

    def test_only_files_and_data_touch_files(self):
        problems = [
            header
            for header, text in headers()
            if FILES.search(text) and not MAY_TOUCH_FILES.match(header)
        ]
        self.assertEqual(problems, [], "\n" + "\n".join(problems))

    def test_the_readme_lists_the_same_rooms(self):
        readme = (INCLUDE.parent / "README.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(\w+)/` \|[^|]*\| ([^|]*) \|$", readme, re.MULTILINE)
        listed = {room: set(re.findall(r"\w+", others)) for room, others in rows}
        expected = {room: set(others.split()) for room, others in MAY_INCLUDE.items()}
        self.assertEqual(listed, expected)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
