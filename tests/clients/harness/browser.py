"""Headless Chromium, driven by Selenium and Debian's chromedriver, both as they are."""

import base64
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import ElementClickInterceptedException, StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from . import wait

DESKTOP = (1280, 900)
PHONE = (390, 844)
SOON_S = 30
# Between two looks at a page that shall say something: reading one takes the browser some milliseconds.
LOOK_AGAIN_S = 0.1
# Nothing but the machine itself is asked for anything, by pages or by the browser.
OFFLINE = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
# Pages that look again every few seconds do so at once.
HURRY = "{ const later = window.setTimeout; window.setTimeout = (work, ms = 0, ...rest) => later(work, Math.min(ms, 200), ...rest); }"
# The first link, button or summary with these words: itself, whether it leads to another page, and the root of this one.
FIND = """
const squeezed = (one) => one.textContent.trim().replace(/\\s+/g, " ");
const found = [...document.querySelectorAll("a, button, summary")].find((one) => squeezed(one) === arguments[0]);
return found && [found, found.localName === "a" || found.type === "submit", document.documentElement];
"""
# The field of the first label that begins with these words, its type and what it holds.
FIELD = """
const squeezed = (one) => one.textContent.trim().replace(/\\s+/g, " ");
const found = [...document.querySelectorAll("label")].find((one) => squeezed(one).startsWith(arguments[0]))?.control;
return found && [found, found.type, found.value];
"""
# Finds what keeps people from using a page: contrast, names, order, ... Source: npm, axe-core
AXE_FILE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"


def programs() -> tuple[str, str] | None:
    """The browser and its driver; `None` where one is missing."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    return found if all(found) else None


class Browser:
    """One browser with cookies of its own. Asked for things as a reader names them: by their words and labels."""

    def __init__(self, size: tuple[int, int] = DESKTOP, scripts: bool = True, dark: bool = False):
        chromium, chromedriver = programs()
        options = Options()
        options.binary_location = chromium
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", *OFFLINE):
            options.add_argument(word)
        options.add_argument(f"--window-size={size[0]},{size[1]}")
        # The CA is the test's own.
        options.accept_insecure_certs = True
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        # Pages write numbers as this language does, whatever the machine's is. On Linux `--lang` says nothing of it.
        english = {**os.environ, "LANGUAGE": "en_US"}
        self.driver = webdriver.Chrome(options=options, service=Service(chromedriver, env=english))
        try:
            self._window = self.driver.current_window_handle
            self.look(size, dark)
            self._hurry()
        except BaseException:
            self.end()
            raise

    def _hurry(self) -> None:
        self._hurried = self.before_pages(HURRY)

    def before_pages(self, script: str) -> str:
        """Runs in every page from now on, before anything of its own; gives what `after_all` takes."""
        return self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})["identifier"]

    def after_all(self, identifier: str) -> None:
        """Pages from now on are without that script."""
        self.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": identifier})

    @contextmanager
    def unhurried(self):
        """Pages that are opened in it look again as often as they say."""
        self.after_all(self._hurried)
        try:
            yield
        finally:
            self._hurry()

    @contextmanager
    def zone(self, name: str):
        """In it the reader lives elsewhere: `Asia/Kathmandu`."""
        self.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": name})
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})

    def look(self, size: tuple[int, int], dark: bool = False) -> None:
        """From now on at this size, in this light."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def end(self) -> None:
        self.driver.quit()

    def open(self, url: str) -> None:
        """The page is there as a whole afterwards. The driver alone is sometimes back while it is still being read."""
        self.driver.get(url)
        wait.until(self._is_whole, SOON_S, f"the page at {url} as a whole")

    @property
    def path(self) -> str:
        """Of the address, with its query."""
        return "/" + self.driver.current_url.split("/", 3)[3]

    @property
    def text(self) -> str:
        """What the page says, as far as it is unfolded."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def words_of(self, css: str) -> str:
        """What the first part of the page that `css` selects says; empty where there is none. The part may be replaced any time."""
        return self.driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    @property
    def source(self) -> str:
        return self.driver.page_source

    def says(self, words: str) -> None:
        """Waits until the page says so by itself."""
        self._wait_for(lambda: words in self.text, words)

    def part_says(self, css: str, words: str) -> None:
        """The same of the part that `css` selects, in whole words: `disconnected` does not say `connected`."""
        whole = re.compile(rf"\b{re.escape(words)}\b")
        self._wait_for(lambda: whole.search(self.words_of(css)), f"{words} in {css}")

    def _wait_for(self, is_said, what: str) -> None:
        def said():
            try:
                return is_said()
            except WebDriverException:  # the page is just being left
                return False

        try:
            wait.until(said, SOON_S, what, LOOK_AGAIN_S)
        except AssertionError as late:
            raise AssertionError(f"{late}; the page at {self.path} says:\n{self.text}") from None

    def click(self, words: str) -> None:
        """A link, a button or what unfolds, by its words. Where it leads to another page, that page is there afterwards."""
        leads_away, before = self.press(words)
        if leads_away:
            self.leave(before, words)

    def press(self, words: str) -> tuple:
        """Clicks without waiting for what comes of it. Gives whether that is another page, and the root of this one."""
        return wait.until(lambda: self._try_to_click(words), SOON_S, f"{words!r} is there to be clicked", LOOK_AGAIN_S)

    def _try_to_click(self, words: str) -> tuple | None:
        found = self.driver.execute_script(FIND, words)
        if not found:
            return None
        element, leads_away, root = found
        try:
            element.click()
        except (StaleElementReferenceException, ElementClickInterceptedException):
            return None  # that part of the page was just replaced, or something moved over it: nothing was clicked
        return leads_away, root

    def leave(self, before, words: str) -> None:
        """Waits until the page that had this root is another one."""
        wait.until(lambda: self._is_past(before), SOON_S, f"the page after {words}")

    def _is_past(self, before) -> bool:
        """Whether the page that had this root is gone, and the next one there as a whole."""
        try:
            before.is_enabled()
            return False
        except WebDriverException:
            # Stale, or between two pages: which of the two a driver says then is not told beforehand.
            pass
        return self._is_whole()

    def _is_whole(self) -> bool:
        """Whether nothing of the page is still to come; also not between two pages."""
        try:
            return self.driver.execute_script("return document.readyState") == "complete"
        except WebDriverException:
            return False

    def fill(self, label: str, value: str) -> None:
        """A field, by its label's first words."""
        field, kind, now = self._field(label)
        if kind != "file" and now:
            field.clear()
        field.send_keys(value)

    def field(self, label: str) -> str:
        """What a field holds."""
        return self._field(label)[2]

    def choose(self, words: str) -> None:
        """A radio button or a box, by words of its label."""
        self.driver.find_element(By.XPATH, f"//label[contains(., {quoted(words)})]/input").click()

    def choose_option(self, label: str, words: str) -> None:
        """An option by words of it, in a field by its label."""
        self._field(label)[0].find_element(By.XPATH, f"option[contains(., {quoted(words)})]").click()

    def _field(self, label: str) -> tuple:
        """By its label: itself, its type and what it holds."""
        found = self.driver.execute_script(FIELD, label)
        assert found, f"no field is called {label!r}; the page at {self.path} says:\n{self.text}"
        return tuple(found)

    def buttons(self) -> list[str]:
        """The words of all buttons, folded ones too."""
        return self.driver.execute_script("return [...document.querySelectorAll('button')].map((one) => one.textContent.trim())")

    @property
    def status(self) -> int:
        """What the page was answered with."""
        return self.driver.execute_script("return performance.getEntriesByType('navigation')[0].responseStatus")

    def save_to(self, folder: Path | None) -> None:
        """Where files are saved from now on; `None` saves none."""
        behaviour = {"behavior": "allow", "downloadPath": str(folder)} if folder else {"behavior": "deny"}
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)

    def leave_portal(self) -> list[str]:
        """Shows nothing any more, in one window, so that nothing is asked for; gives what there was to complain of until then."""
        for handle in self.driver.window_handles:
            if handle != self._window:
                self.driver.switch_to.window(handle)
                self.driver.close()
        self.driver.switch_to.window(self._window)
        self.driver.get("about:blank")
        return self.complaints()

    def forget(self) -> None:
        """Nobody is signed in any more."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def cookies(self) -> dict[str, dict]:
        return {cookie["name"]: cookie for cookie in self.driver.get_cookies()}

    def complaints(self) -> list[str]:
        """What the browser had to complain of since the last time: violations of the content policy, faults in scripts."""
        entries = [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        # A page that says what was wrong with a form is answered with 400. Other issuers' pages ask for fonts from afar, where
        # nothing is; one of the portal that did would break its own policy, which is a complaint of its own.
        usual = ("responded with a status of 4", "net::ERR_NAME_NOT_RESOLVED")
        return [entry["message"] for entry in entries if not any(words in entry["message"] for words in usual)]

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return self.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")

    @contextmanager
    def examined(self):
        """Pages that are opened in it bring along what `violations` needs: where they are many, that is faster."""
        brought = self.before_pages(AXE_FILE.read_text())
        try:
            yield
        finally:
            self.after_all(brought)

    def violations(self) -> list[str]:
        """The rules of accessibility that the page breaks, each with where."""
        if not self.driver.execute_script("return 'axe' in window"):
            self.driver.execute_script(AXE_FILE.read_text())
        asked = """
            const done = arguments[arguments.length - 1];
            const told = ({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(" ")).join(", ")}`;
            axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => done(violations.map(told)), done);
        """
        return self.driver.execute_async_script(asked)

    def shoot(self, path) -> None:
        """The whole page as a picture."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        width = self.driver.execute_script("return window.innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        path.write_bytes(base64.b64decode(taken["data"]))


def quoted(text: str) -> str:
    """As XPath has it, which knows no escape."""
    return f"'{text}'" if "'" not in text else f'"{text}"'
