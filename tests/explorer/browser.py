"""A browser that looks at the explorer's page, and what is asked of it."""

import re
import shutil
import time
from contextlib import contextmanager

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


class Page:
    """A browser that looks at a server's page."""

    def __init__(self, address: str):
        self.address = address
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1300,1000"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def open(self, link=""):
        self.driver.get(f"{self.address}/{link}")
        self.wait(lambda: len(self.grid()) == 16)

    def wait(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                if found := condition():
                    return found
            except WebDriverException:  # as of what was replaced meanwhile
                pass
            assert time.monotonic() < end, f"waited in vain; the page says {self.at('said').text!r}"
            time.sleep(0.05)

    def at(self, id):
        return self.driver.find_element(By.ID, id)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def sources(self, selector):
        """What images hold."""
        return [each.get_attribute("src") for each in self.all(selector)]

    def grid(self):
        return self.all("#grid figure")

    def entries(self):
        return [each.text for each in self.all("#lineage small")]

    def chosen(self):
        """The address of the large image, which holds its pixels."""
        return self.sources("#large img")[0]

    def choose(self, number):
        """Clicks an image of the grid; waits until it is the chosen one, and remembered."""
        wanted = self.sources("#grid img")[number]
        before = len(self.entries())
        self.grid()[number].click()
        self.wait(lambda: len(self.entries()) > before)
        return wanted

    def press(self, id, heading=None):
        self.at(id).click()
        if heading:
            self.wait(lambda: re.match(heading, self.at("grid-title").text))

    def require_no_errors(self):
        assert [line for line in self.driver.get_log("browser") if line["level"] in ("SEVERE", "WARNING")] == []
        loaded = "return [...document.images].every(each => each.complete && each.naturalWidth > 0 && each.alt)"
        assert self.driver.execute_script(loaded)


@contextmanager
def looking(address):
    page = Page(address)
    try:
        yield page
    finally:
        page.driver.quit()
