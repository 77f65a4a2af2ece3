#!/usr/bin/env python3
"""Uses the page of a running `serve --compare` in a headless Chromium, as its users do:

    tests/serve_page_test.py --url http://127.0.0.1:8080/ --type coffee [--screenshots DIR]

It speaks the DevTools protocol over a pipe: https://chromedevtools.github.io/devtools-protocol/
"""
import argparse
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time


class Browser:
    """One page of a Chromium of its own. (Without its sandbox, it runs as root, too.)"""

    def __init__(self, program, profile):
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()

        def in_child():
            os.dup2(commands, 103), os.dup2(answers, 104)
            os.dup2(103, 3), os.dup2(104, 4)

        self._process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={profile}"],
            preexec_fn=in_child, pass_fds=(3, 4), stderr=subprocess.DEVNULL)
        os.close(commands), os.close(answers)
        self._unread, self._number, self._session = b"", 0, None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def close(self):
        self._process.kill()
        self._process.wait()

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._unread:
                part = os.read(self._read, 1 << 16)
                if not part:
                    raise RuntimeError("the browser has ended")
                self._unread += part
            line, _, self._unread = self._unread.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, expression):
        end = time.monotonic() + 20
        while not self.value(expression):
            assert time.monotonic() < end, f"never: {expression}\n{self.value('document.body.innerText')}"
            time.sleep(0.02)

    def open(self, url):
        self.call("Page.navigate", url="about:blank")  # else a new fragment alone loads nothing
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState == 'complete' && typeof models == 'object' && models.length > 0")

    def press(self, key):
        code = {"Enter": 13, "ArrowDown": 40, "Backspace": 8, "Escape": 27, "Tab": 9}[key]
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def width(self, width, height, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=phone,
                  deviceScaleFactor=2 if phone else 1)


def use(browser, options):
    folder = options.screenshots and pathlib.Path(options.screenshots)

    def shot(name):
        if folder:
            data = browser.call("Page.captureScreenshot")["data"]
            (folder / f"{name}.png").write_bytes(base64.b64decode(data))

    count = "document.querySelectorAll('{}').length".format
    browser.width(1280, 900)
    browser.open(options.url)
    browser.wait_for("document.activeElement.id == 'search'")  # ready to be typed in
    browser.wait_for(count(".message") + " == 1")
    shot("empty")

    # By keyboard alone: two items, of which the second is the second found.
    browser.call("Input.insertText", text=options.type)
    browser.wait_for(count("#found [role=option]") + " > 1")
    shot("search")
    first = browser.value("found[0].id")
    browser.press("Enter")
    browser.wait_for(count("#lists section") + " == 2 && " + count("#found li") + " == 0")
    browser.call("Input.insertText", text=options.type)
    browser.wait_for(count("#found [role=option]") + " > 1")
    browser.press("ArrowDown")
    second = browser.value("found[active].id")
    browser.press("Enter")
    browser.wait_for(count("#chosen button") + " == 2")
    assert browser.value("chosen.map(item => item.id)") == [first, second] and first != second

    # Each list is what its model answers, with reasons, as text and not as markup.
    same = """(async () => {
      for (const [i, model] of models.entries()) {
        const answer = await ask('recommend', {...parameters(), model: model.name});
        const section = document.querySelectorAll('#lists section')[i];
        const rows = [...section.querySelectorAll('ol > li')];
        if (rows.length !== answer.items.length) return false;
        for (const [rank, item] of answer.items.entries()) {
          const text = rows[rank].textContent;
          if (!text.includes(nameOf(item))) return false;
          if (item.reasons.some(reason => !text.includes('from ' + nameOf(reason)))) return false;
        }
      }
      return true;
    })()"""
    browser.wait_for(same)
    assert browser.value(count("#lists li b b")) == 0
    shot("lists")

    # Settings act at once, and stand in the address, so that a page can be kept and sent.
    change = "$('{0}').value = '{1}'; $('{0}').dispatchEvent(new Event('input', {{bubbles: true}}))".format
    before = browser.value("$('lists').textContent")
    for setting, value in (("diversity", "0.6"), ("popularity", "-0.5"), ("k", "4")):
        browser.value(change(setting, value))
        browser.wait_for(f"location.hash.includes('{setting}={value}')")
    browser.wait_for(f"$('lists').textContent != {json.dumps(before)}")
    browser.wait_for(same)
    address = browser.value("location.href")
    text = browser.value("$('lists').textContent")
    browser.open(address)
    browser.wait_for(f"$('lists').textContent == {json.dumps(text)}")
    assert browser.value(count("#chosen button")) == 2

    # What cannot be answered is said.
    browser.value(change("title", "no title has this"))
    browser.wait_for(count(".message.bad") + " == 2 && $('lists').textContent.includes('the filters leave no item')")
    browser.value(change("title", ""))
    browser.wait_for(count("#lists section") + " == 2")

    # The last item goes out by the key that takes back, a click takes any.
    browser.value("$('search').focus()")
    browser.press("Backspace")
    browser.wait_for(count("#chosen button") + " == 1")
    browser.value("document.querySelector('.add').click()")
    browser.wait_for(count("#chosen button") + " == 2")
    browser.value("document.querySelector('#chosen button').click()")
    browser.wait_for(count("#chosen button") + " == 1")

    # On a phone nothing is beside the screen, and all can be touched.
    browser.width(390, 844, phone=True)
    browser.open(address)
    browser.wait_for(count("#lists section") + " == 2")
    assert browser.value("document.scrollingElement.scrollWidth") <= 390
    shot("phone")
    browser.value("$('lists').scrollIntoView()")
    shot("phone-lists")
    if folder:
        browser.width(1280, 900)
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        browser.open(address)
        browser.wait_for(count("#lists section") + " == 2")
        shot("dark")

    for event in browser.events:
        assert event["method"] not in ("Runtime.exceptionThrown",), event
        if event["method"] == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            assert url.startswith((options.url, "data:", "about:")), f"asks elsewhere: {url}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--type", required=True, help="a word that at least two titles hold")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--screenshots", help="a folder for them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(options.chromium, profile)
        try:
            use(browser, options)
        except (AssertionError, RuntimeError) as error:
            sys.exit(f"{error!r}")
        finally:
            browser.close()


if __name__ == "__main__":
    main()
