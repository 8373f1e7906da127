"""Headless Chromium, driven by Selenium and Debian's chromedriver, both as they are."""

import base64
import shutil
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from . import wait

DESKTOP = (1280, 900)
PHONE = (390, 844)
SOON_S = 20
# Finds what keeps people from using a page: contrast, names, order, ... Source: npm, axe-core
AXE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"


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
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"):
            options.add_argument(word)
        options.add_argument(f"--window-size={size[0]},{size[1]}")
        # The CA is the test's own.
        options.accept_insecure_certs = True
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.driver = webdriver.Chrome(options=options, service=Service(chromedriver))
        self.look(size, dark)

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
        self.driver.get(url)

    @property
    def path(self) -> str:
        """Of the address, with its query."""
        return "/" + self.driver.current_url.split("/", 3)[3]

    @property
    def text(self) -> str:
        """What the page says, as far as it is unfolded."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    @property
    def source(self) -> str:
        return self.driver.page_source

    def says(self, words: str) -> None:
        """Waits until the page says so by itself."""

        def said():
            try:
                return words in self.text
            except WebDriverException:  # the page is just being left
                return False

        try:
            wait.until(said, SOON_S, words)
        except AssertionError as late:
            raise AssertionError(f"{late}; the page at {self.path} says:\n{self.text}") from None

    def click(self, words: str) -> None:
        """A link, a button or what unfolds, by its words. Where it leads to another page, that page is there afterwards."""
        either = " or ".join(f"self::{tag}" for tag in ("a", "button", "summary"))
        found = self.driver.find_element(By.XPATH, f"//*[{either}][normalize-space(.)={quoted(words)}]")
        leads_away = found.tag_name == "a" or (found.tag_name == "button" and found.get_attribute("type") == "submit")
        before = self.driver.find_element(By.TAG_NAME, "html")
        found.click()
        if leads_away:
            self.leave(before, words)

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
        try:
            return self.driver.execute_script("return document.readyState") == "complete"
        except WebDriverException:
            return False

    def fill(self, label: str, value: str) -> None:
        """A field, by its label's first words."""
        field = self._field(label)
        if field.get_attribute("type") != "file":
            field.clear()
        field.send_keys(value)

    def field(self, label: str) -> str:
        """What a field holds."""
        return self._field(label).get_attribute("value")

    def choose(self, words: str) -> None:
        """A radio button or a box, by words of its label."""
        self.driver.find_element(By.XPATH, f"//label[contains(., {quoted(words)})]/input").click()

    def choose_option(self, label: str, words: str) -> None:
        """An option by words of it, in a field by its label."""
        self._field(label).find_element(By.XPATH, f"option[contains(., {quoted(words)})]").click()

    def _field(self, label: str):
        found = self.driver.find_element(By.XPATH, f"//label[starts-with(normalize-space(.), {quoted(label)})]")
        return self.driver.find_element(By.ID, found.get_attribute("for"))

    def buttons(self) -> list[str]:
        """The words of all buttons, folded ones too."""
        return [button.get_attribute("textContent").strip() for button in self.driver.find_elements(By.TAG_NAME, "button")]

    def cookies(self) -> dict[str, dict]:
        return {cookie["name"]: cookie for cookie in self.driver.get_cookies()}

    def complaints(self) -> list[str]:
        """What the browser had to complain of since the last time: violations of the content policy, faults in scripts."""
        entries = [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        # A page that says what was wrong with a form is answered with 400.
        return [entry["message"] for entry in entries if "responded with a status of 4" not in entry["message"]]

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return self.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")

    def violations(self) -> list[str]:
        """The rules of accessibility that the page breaks, each with where."""
        self.driver.execute_script(AXE.read_text())
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
