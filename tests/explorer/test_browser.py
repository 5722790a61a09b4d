"""The page in a browser: what people click on does what it says, and is there again after the server was killed."""

import re
import shutil
import time
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from gan_jax.explorer.genome import Genome, to_text
from gan_jax.explorer.lineage import Lineage

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.explorer.browser import CHROMIUM, DRIVER, looking

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed"),
]


@pytest.fixture
def serve(start):
    """serve(workdir, ...) starts the command; its address and its process."""

    def serve(*workdirs):
        given = [f"--workdir={workdir}" for workdir in workdirs]
        process = start("explore", *given, "--port=0", module="gan_jax", devices=1)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        return line.split()[0], process

    return serve


@pytest.fixture
def run(explored, tmp_path):
    """explored(name), in a directory that this test alone explores."""

    def run(name):
        return shutil.copytree(explored(name), tmp_path / name)

    return run


@pytest.mark.parametrize("name", ["dcgan", "cgan", "vae"])
def test_all_that_can_be_done(serve, run, name, tmp_path):
    address, _ = serve(run(name))
    with looking(address) as page:
        page.open()
        shown = page.choose(3)
        assert page.chosen() == shown and page.entries() == ["0 sample"]
        page.press("children", "Children")
        child = page.choose(2)
        assert page.chosen() == child != shown and page.entries() == ["0 sample", "1 child"]
        page.press("partner")
        page.wait(lambda: "is crossed with" in page.at("said").text)
        page.choose(5)
        page.wait(lambda: page.at("grid-title").text == "Crosses of 1 and 2")
        known = page.sources("#lineage img")  # of latents of two numbers, some are a parent again
        page.choose(next(number for number, each in enumerate(page.sources("#grid img")) if each not in known))
        assert "3 cross of 1 and 2" in page.entries()
        # A gene changes the large image at once, and what is kept of it is an entry.
        before = page.chosen()
        slider = page.all("#genes input")[0]
        slider.send_keys(Keys.END)
        page.wait(lambda: page.chosen() != before)
        changed = page.chosen()
        page.press("keep")
        page.wait(lambda: "4 gene" in page.entries())
        page.press("like")
        page.wait(lambda: len(page.all("#favourites figure")) == 1)
        page.press("undo")
        page.wait(lambda: "4 gene" not in page.entries() and not page.all("#favourites figure"))
        assert page.chosen() == before != changed
        page.press("like")
        page.wait(lambda: len(page.all("#favourites figure")) == 1)
        link = page.at("link").get_attribute("href")
        page.driver.get("about:blank")
        page.driver.get(link)
        page.wait(lambda: page.all("#large img"))
        assert page.chosen() == before
        assert "gan_jax sample" in page.at("command").get_attribute("textContent")
        page.require_no_errors()


def test_classes_of_two_runs(serve, run, explored):
    """What is asked for is drawn, by both beside each other."""
    address, _ = serve(run("cgan"), explored("cgan"))
    with looking(address) as page:
        page.open()
        Select(page.at("label")).select_by_visible_text("7")
        page.press("samples")
        alts = {f"image {number} of 16 of class 7, by cgan" for number in range(1, 17)}
        page.wait(lambda: {each.get_attribute("alt") for each in page.all("#grid img")} == alts)
        assert len(page.all("#grid img")) == 32
        page.choose(0)
        first, second = page.sources("#large img")
        assert first == second  # the runs are the same
        Select(page.at("own-label")).select_by_visible_text("3")
        page.wait(lambda: page.chosen() != first)
        assert "class 3" in page.all("#large img")[0].get_attribute("alt")
        page.press("keep")
        page.wait(lambda: page.entries() == ["0 sample", "1 gene"])
        page.require_no_errors()


def test_keys_alone(serve, run):
    address, _ = serve(run("dcgan"))
    with looking(address) as page:
        page.open()
        press = lambda key: page.driver.switch_to.active_element.send_keys(key)
        page.at("next").send_keys(Keys.TAB)  # from there to the grid
        press(Keys.ARROW_RIGHT)
        press(Keys.ARROW_DOWN)
        assert page.driver.switch_to.active_element == page.grid()[5]
        press(Keys.ENTER)
        page.wait(lambda: page.entries() == ["0 sample"])
        press("c")
        page.wait(lambda: page.at("grid-title").text == "Children of 0")
        assert page.driver.switch_to.active_element == page.grid()[5]  # the focus stays
        press(Keys.SPACE)
        page.wait(lambda: page.entries() == ["0 sample", "1 child"])
        press("f")
        page.wait(lambda: len(page.all("#favourites figure")) == 1)
        press("u")
        page.wait(lambda: page.entries() == ["0 sample"])
        assert page.all("#favourites figure") == []
        press("x")
        page.wait(lambda: "is crossed with" in page.at("said").text)
        press(Keys.ESCAPE)
        page.wait(lambda: page.at("said").text == "")
        press("n")
        page.wait(lambda: page.at("grid-title").text == "Samples of seed 1")
        page.require_no_errors()


def test_haste(serve, run):
    """Who clicks on before an answer is there gets what was clicked on last, and each image once."""
    address, _ = serve(run("dcgan"))
    with looking(address) as page:
        page.open()
        page.choose(0)
        wanted = page.sources("#grid img")[7]
        page.driver.execute_script(
            """
            const slider = document.querySelector("#genes input"), images = document.querySelectorAll("#grid figure");
            for (const value of [1, 2, 3]) { slider.value = value; slider.dispatchEvent(new Event("input")); }
            for (const image of [images[7], images[7]]) image.click();
            """
        )
        page.wait(lambda: page.entries() == ["0 sample", "1 sample"])
        page.wait(lambda: page.chosen() == wanted)
        time.sleep(1)  # in which a late answer would come
        assert page.chosen() == wanted and page.entries() == ["0 sample", "1 sample"]
        page.require_no_errors()


def test_uploads(serve, run, tmp_path):
    address, _ = serve(run("dcgan"))
    Image.fromarray(np.eye(20, dtype=np.uint8) * 255).save(tmp_path / "good.png")
    (tmp_path / "hostile.png").write_text("<script>alert(1)</script>")
    with looking(address) as page:
        page.open()
        page.at("file").send_keys(str(tmp_path / "hostile.png"))
        page.wait(lambda: "cannot be read as an image" in page.at("said").text)
        page.at("file").send_keys(str(tmp_path / "good.png"))
        page.wait(lambda: page.at("cancel").is_displayed())
        page.at("cancel").click()
        page.wait(lambda: "given up" in page.at("said").text)
        assert page.entries() == [] and not page.at("inverting").is_displayed()
        page.at("file").send_keys(str(tmp_path / "good.png"))
        page.wait(lambda: page.entries() == ["0 image"])
        assert not page.at("inverting").is_displayed()
        refused = [line for line in page.driver.get_log("browser") if line["level"] == "SEVERE"]
        assert len(refused) == 1 and "400" in refused[0]["message"]  # of the hostile one
        page.require_no_errors()


def test_a_refused_upload_leaves_the_search_that_runs(serve, run, tmp_path):
    address, _ = serve(run("dcgan"))
    Image.fromarray(np.eye(20, dtype=np.uint8) * 255).save(tmp_path / "good.png")
    (tmp_path / "hostile.png").write_text("no image")
    with looking(address) as page:
        page.open()
        page.at("file").send_keys(str(tmp_path / "good.png"))
        page.at("file").send_keys(str(tmp_path / "hostile.png"))
        page.wait(lambda: page.entries() == ["0 image"])
        assert not page.at("inverting").is_displayed()


def test_killed_and_started_again_with_two_tabs(serve, run):
    workdir = run("dcgan")
    address, process = serve(workdir)
    with looking(address) as page:
        page.open()
        page.choose(0)
        page.press("children", "Children")
        page.choose(1)
        page.driver.switch_to.new_window("tab")
        page.open()
        assert page.entries() == ["0 sample", "1 child"]
        page.choose(7)
        page.wait(lambda: page.entries() == ["0 sample", "1 child", "2 sample"])
        page.driver.switch_to.window(page.driver.window_handles[0])
        page.press("like")  # which brings what the other tab did
        page.wait(lambda: page.entries() == ["0 sample", "1 child", "2 sample"])
        page.driver.switch_to.window(page.driver.window_handles[1])
        page.press("like")
        page.wait(lambda: len(page.all("#favourites figure")) == 2)
        page.driver.switch_to.window(page.driver.window_handles[0])
        page.driver.execute_script("dispatchEvent(new Event('focus'))")
        page.wait(lambda: len(page.all("#favourites figure")) == 2)
        process.kill()
        process.wait()
        page.press("children")
        page.wait(lambda: "the server does not answer" in page.at("said").text)
    address, _ = serve(workdir)
    with looking(address) as page:
        page.open()
        page.wait(lambda: page.entries() == ["0 sample", "1 child", "2 sample"])
        assert len(page.all("#favourites figure")) == 2
        page.require_no_errors()


def test_narrow_and_dark_with_a_long_lineage(serve, run):
    """A thousand generations fit, and the page is as wide as the screen."""
    workdir, rows = run("cgan"), np.random.RandomState(0).normal(size=(1000, 100)).astype(np.float32)
    with closing(Lineage(workdir / "lineage.jsonl")) as lineage:
        for id, latent in enumerate(rows):
            lineage.add(to_text(Genome(latent, 3)), "child", [id - 1] * (id > 0))
    address, _ = serve(workdir)
    with looking(address) as page:
        size = dict(width=400, height=800, deviceScaleFactor=1, mobile=False)
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
        page.open()
        page.wait(lambda: len(page.all("#lineage small")) == 1000)
        page.grid()[0].click()
        page.wait(lambda: len(page.all("#lineage small")) == 1001)
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 400
        assert page.driver.execute_script("return document.getElementById('chosen').offsetWidth") <= 400
        ground = page.driver.execute_script("return getComputedStyle(document.body).color")
        assert min(map(int, re.findall(r"\d+", ground)[:3])) > 200  # light letters
        page.require_no_errors()
