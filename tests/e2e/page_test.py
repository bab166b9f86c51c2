"""The viewer's page in headless Chromium, on a small phantom: it draws what renderfm-render draws, every control
does what it says, nothing goes over a network, and memory does not grow. Films, of the page and of
renderfm-render, are read back with ffmpeg.

Usage: page_test.py RENDERFM_PREPARE RENDERFM_INFER RENDERFM_VIEW RENDERFM_RENDER. Exits 77 where there is no
Chromium or no playwright. One browser serves all checks.
"""
import io
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

try:
    from PIL import Image
    from playwright.sync_api import sync_playwright
except ImportError as error:
    print(f"[  SKIPPED ] {error}")
    sys.exit(77)

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--headless=new",
         "--enable-precise-memory-info", "--js-flags=--expose-gc"]
SIDE = 192
LEAST_DB = 50  # what 8 bits a number cost; a plane of voxels drawn out of turn costs more

os.environ["RENDERFM_MODEL"] = "primed"  # quick, and the same whatever ships
prepare, infer, view, render = (os.path.abspath(path) for path in sys.argv[1:5])
work = tempfile.TemporaryDirectory()
ply, page_file, page_2_file, few_file = (os.path.join(work.name, name)
                                         for name in ("a.ply", "one.html", "two.html", "few.html"))
failures = []
started = time.monotonic()


def check(condition, text):
    print(f"{time.monotonic() - started:6.1f} s ", end="")
    print(("ok    " if condition else "WRONG ") + text)
    if not condition:
        failures.append(text)


def psnr(a, b):
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return 99.0 if error == 0 else 10 * math.log10(255 ** 2 / error)


def picture(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def rendered(state):
    out = os.path.join(work.name, f"offline{STATES.index(state)}.png")
    subprocess.run([render, ply, out, "--size", f"{SIDE}x{SIDE}", "--state", state, "-q"], check=True,
                   stdout=subprocess.DEVNULL)
    return picture(pathlib.Path(out).read_bytes())


def run(*command):
    subprocess.run([*command, "-q"], check=True, stdout=subprocess.DEVNULL)


def make_pages():
    run(prepare, "--phantom", "1", "--views", "0", "--spacing", "10", "--out", os.path.join(work.name, "phantoms"))
    case = pathlib.Path(work.name, "phantoms", "phantom_0001")
    scan = [str(case / "ct.nii.gz"), "--labels", str(case / "labels.nii.gz"), "--tf", "organs"]
    run(infer, scan[0], ply, *scan[1:])
    run(view, ply, "--html", page_file)
    run(infer, scan[0], page_2_file, *scan[1:], "--tf", "bone")
    # Few Gaussians: software draws them fast, and controls do not depend on how many there are.
    run(view, ply, "--html", few_file, "--organs", "liver,spleen,heart,aorta")


def settle(page):
    page.evaluate("renderfm.settled()")


def open_page(browser, file, size, fragment="", **more):
    page = browser.new_page(viewport=size, **more)
    page.messages, page.requests = [], []
    page.on("console", lambda m: page.messages.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: page.messages.append(str(e)))
    page.on("request", lambda r: page.requests.append(r.url))
    page.goto(f"file://{file}{fragment}")
    return page


def check_clean(page, what):
    check(page.messages == [], f"{what}: the console stays empty {page.messages[:3]}")
    outside = [url for url in page.requests if not url.startswith(("file:", "blob:", "data:"))]
    check(outside == [], f"{what}: no network request {outside[:3]}")


STATES = [
    "az=0&el=0", "az=90&el=0&zoom=1.7&pan=10,-20,30", "az=215&el=-50",
    "az=20&el=10&clip=0,1,0,0", "az=-40&el=30&clip=0.6,0.64,0.48,-12;0,0,-1,60",
    "az=60&el=15&box=-80,60,-50,90,-100,100&keep=skeleton",
    "az=0&el=0&hide=liver,ribs&op=heart:0.4,spleen:0.5",
    "az=180&el=5&clip=0,-1,0,20&hide=skeleton", "az=10&el=89.95&show=skeleton",
]


def check_same_pictures(browser, pool):
    pictures = {state: pool.submit(rendered, state) for state in STATES}
    page = open_page(browser, page_file, {"width": SIDE, "height": SIDE}, "#ui=0")
    page.wait_for_function("window.renderfm !== undefined")
    settle(page)
    whole = None
    for state in STATES:
        page.evaluate(f"renderfm.show('#{state}&ui=0')")
        settle(page)
        drawn, expected = picture(page.screenshot()), pictures[state].result()
        value = psnr(drawn, expected)
        check(value >= LEAST_DB, f"{state}: {value:.1f} dB between page and renderfm-render")
        check(expected.mean() > 1, f"{state}: the picture is not black")
        whole = drawn if whole is None else whole
        if state != STATES[0]:
            check(psnr(drawn, whole) < 30, f"{state}: it is another picture than the first")
    check_clean(page, "pictures")
    page.close()


def hash_of(page):
    return dict(part.split("=", 1) for part in page.evaluate("renderfm.hash()")[1:].split("&"))


def check_controls(browser):
    page = open_page(browser, few_file, {"width": 700, "height": 480}, accept_downloads=True, reduced_motion="reduce")
    page.set_default_timeout(60000)
    page.wait_for_function("window.renderfm !== undefined")
    settle(page)

    for view, (az, el) in {"P": (180, 0), "L": (90, 0), "R": (270, 0), "S": (0, 90), "I": (0, -90), "A": (0, 0)}.items():
        page.click(f"[data-view={view}]")
        page.wait_for_timeout(60)
        state = hash_of(page)
        check((float(state["az"]), float(state["el"])) == (az, el), f"button {view} looks along {az}, {el}")
        page.keyboard.press(view)
    page.click("#cube button:has-text('A')")
    canvas = page.locator("#canvas")

    def drag(dx, dy, **more):
        page.mouse.move(250, 200)
        page.mouse.down(**more)
        page.mouse.move(250 + dx, 200 + dy, steps=3)
        page.mouse.up(**more)

    drag(-100, 40)
    state = hash_of(page)
    check(abs(float(state["az"]) - 35) < 0.1 and abs(float(state["el"]) - 14) < 0.1, f"dragging turns ({state})")
    drag(50, 0, button="right")
    check("pan" in hash_of(page), "dragging with the right button moves")
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(60)
    check(float(hash_of(page).get("zoom", 1)) > 1.2, "the wheel comes nearer")
    page.click("#reset")
    check("zoom" not in hash_of(page) and "pan" not in hash_of(page) and float(hash_of(page)["az"]) == 0, "reset resets")
    canvas.focus()
    for key, test in {"ArrowRight": lambda s: float(s["az"]) == 6, "ArrowUp": lambda s: float(s["el"]) == 6,
                      "+": lambda s: float(s["zoom"]) > 1, "Shift+ArrowLeft": lambda s: "pan" in s}.items():
        page.keyboard.press(key)
        check(test(hash_of(page)), f"key {key}")
    page.keyboard.press("0")

    # Organs.
    if page.locator("#organs").is_hidden():
        page.keyboard.press("o")
    page.fill("#search", "liver")
    check(page.locator(".organ:visible").count() == 1, "the search finds the liver alone")
    liver = page.locator("[data-organ=liver]")
    liver.get_by_label("Show or hide Liver").click()
    check(hash_of(page).get("hide") == "liver", "the eye hides the liver")
    liver.get_by_label("Show or hide Liver").click()
    check("hide" not in hash_of(page), "and shows it again")
    liver.get_by_label("Show only Liver").click()
    check(hash_of(page).get("show") == "liver", "isolate shows it alone")
    liver.get_by_label("Show only Liver").click()
    check("show" not in hash_of(page), "and all again")
    liver.get_by_role("button", name="Opacity of Liver").click()
    liver.get_by_role("slider", name="Opacity of Liver").fill("40")
    check(hash_of(page).get("op") == "liver:0.4", "the slider fades it")
    liver.get_by_label("Leave Liver whole where planes cut").click()
    check(hash_of(page).get("keep") == "liver", "the scissors leave it whole")
    page.fill("#search", "nothing of this kind")
    check(page.locator(".nothing").is_visible(), "a search without result says so")
    page.fill("#search", "")
    page.click("#hide-all")
    page.wait_for_timeout(50)
    settle(page)
    check(page.evaluate("renderfm.stats().count") == 0, "hide all leaves nothing to draw")
    page.click("#show-all")

    # Cuts.
    page.click("#cuts-button")
    for kind in ["sagittal", "coronal", "axial", "facing"]:
        page.click(f"[data-plane={kind}]")
    check(len(hash_of(page)["clip"].split(";")) == 4, "four planes cut")
    page.get_by_label("Depth", exact=True).first.fill("25")
    check(hash_of(page)["clip"].startswith("1,0,0,-25"), "depth moves the first plane")
    page.get_by_label("Plane 1: keep the other side").click()
    check(hash_of(page)["clip"].startswith("-1,0,0,25"), "flip keeps the other side")
    page.get_by_label("Turn", exact=True).first.fill("30")
    page.get_by_label("Tilt", exact=True).first.fill("10")
    normal = [float(v) for v in hash_of(page)["clip"].split(";")[0].split(",")[:3]]
    check(abs(normal[2] + math.sin(math.radians(10))) < 1e-3, "tilt makes it oblique")
    for index in range(4):
        page.get_by_label("Remove Plane 1").click()
    check("clip" not in hash_of(page), "planes can be removed")
    page.check("#box-on")
    check("box" in hash_of(page), "a box cuts")
    page.get_by_label("Head", exact=True).fill("0")
    check(hash_of(page)["box"].endswith(",0"), "its sides move")
    page.uncheck("#box-on")
    page.keyboard.press("Escape")

    # The rest.
    page.click("#theme")
    check(page.evaluate("document.documentElement.dataset.theme") == "light", "the light theme")
    settle(page)
    page.wait_for_timeout(100)
    check(picture(page.screenshot())[470, 690].min() > 200, "has a light background")
    page.click("#theme")
    before = float(hash_of(page)["az"])
    page.click("#turn")
    page.wait_for_timeout(700)
    page.click("#turn")
    check(float(hash_of(page)["az"]) != before, "the turntable turns")
    with page.expect_download() as download:
        page.click("#shot")
    shot = picture(pathlib.Path(download.value.path()).read_bytes())
    check(shot.shape[:2] == (480, 700) and shot.mean() > 1, "a picture is saved")
    page.click("#help-button")
    check(page.locator("#help").is_visible(), "the help opens")
    page.keyboard.press("Escape")
    page.click("#link")
    page.wait_for_timeout(50)
    check("az=" in page.url, "the address holds the view")
    check(page.locator("#scale-text").inner_text().endswith(("mm", "cm")), "the scale bar has a unit")
    check(page.locator("#notice").is_visible(), "the notice is there")
    unnamed = page.evaluate("[...document.querySelectorAll('button')].filter(b => !(b.ariaLabel || b.textContent.trim())).length")
    check(unnamed == 0, "every button has a name")
    check_clean(page, "controls")
    page.close()


def check_memory(browser):
    page = open_page(browser, few_file, {"width": 128, "height": 128}, "#ui=0&az=0&el=0&hide=liver")
    page.wait_for_function("window.renderfm !== undefined")
    settle(page)
    used = """async () => { for (let k = 0; k < 3; ++k) { gc(); await new Promise((r) => setTimeout(r, 20)); }
                            return performance.memory.usedJSHeapSize; }"""
    # As a user holds an arrow key down: picture, order and address follow.
    move = """async (count) => {
      for (let k = 0; k < count; ++k) {
        const key = k % 50 < 40 ? "ArrowRight" : k % 100 < 50 ? "ArrowUp" : "ArrowDown";
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        if (k % 2) await new Promise(requestAnimationFrame);
      }
      await renderfm.settled();
    }"""
    page.evaluate(move, 60)
    before, stats = page.evaluate(used), page.evaluate("renderfm.stats()")
    page.evaluate(move, 500)
    after, now = page.evaluate(used), page.evaluate("renderfm.stats()")
    check(after - before < 1 << 20, f"500 camera moves leave {(after - before) / 1024:.0f} KiB behind")
    check(now["frames"] - stats["frames"] >= 250, f"every second one was drawn: {now['frames'] - stats['frames']} pictures")
    check(now["sorts"] - stats["sorts"] >= 50, f"and the order made anew {now['sorts'] - stats['sorts']} times on the way")
    check_clean(page, "moves")
    page.close()


def probe(film):
    """Codec, width, height and pictures of a film, as ffprobe counts them."""
    text = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-of", "json", "-show_entries",
                           "stream=codec_name,width,height,nb_read_frames", film], check=True, capture_output=True).stdout
    stream, = json.loads(text)["streams"]
    return stream["codec_name"], stream["width"], stream["height"], int(stream["nb_read_frames"])


def check_films(browser):
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        print("[  SKIPPED ] films: there is no ffmpeg on this machine")
        return
    film, folder, one = (os.path.join(work.name, name) for name in ("film.mp4", "orbit", "picture.png"))
    orbit = ["--orbit", "6", "--size", "160x128"]
    run(render, ply, film, *orbit)
    run(render, ply, folder, *orbit)
    check(probe(film) == ("h264", 160, 128, 6), f"renderfm-render writes an .mp4: {probe(film)}")
    for index in (0, 4):
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", film, "-vf", f"select=eq(n\\,{index})", "-frames:v", "1", one],
                       check=True)
        value = psnr(picture(pathlib.Path(one).read_bytes()), picture(pathlib.Path(folder, f"{index:03}.png").read_bytes()))
        check(value >= 30, f"its picture {index} is that of --orbit: {value:.1f} dB")
    for what, size, path in (("an odd size", "161x128", os.environ["PATH"]), ("a machine without ffmpeg", "160x128", "/nowhere")):
        refused = os.path.join(work.name, "refused.mp4")
        outcome = subprocess.run([render, ply, refused, "--orbit", "6", "--size", size], env={**os.environ, "PATH": path},
                                 capture_output=True, text=True)
        check(outcome.returncode == 2 and not os.path.exists(refused), f"{what} is refused: {outcome.stderr.strip()}")

    page = open_page(browser, few_file, {"width": 160, "height": 128}, "#az=40&el=10", accept_downloads=True)
    page.wait_for_function("window.renderfm !== undefined")
    settle(page)
    page.evaluate("renderfm.filmSeconds = 5")  # a busy machine draws few pictures a second
    with page.expect_download() as download:
        page.evaluate("document.getElementById('record').click()")
    codec, width, height, count = probe(download.value.path())
    check(codec in ("vp9", "vp8", "h264") and (width, height) == (160, 128) and count >= 5,
          f"the page records a turn: {codec}, {width}x{height}, {count} pictures")
    check(hash_of(page)["az"] == "40", "and goes back to where it was")
    check_clean(page, "film")
    page.close()


def middle_of_scan(page, above):
    """How far down the picture the scan's middle lies, of what is brighter than the ground above this row."""
    settle(page)
    bright = picture(page.screenshot())[:int(above), 20:250].max(axis=2) > 60
    return float(np.mean(np.nonzero(bright[100:])[0])) + 100


def check_sheet(page):
    """A phone shows the scan first; its panels are sheets below it."""
    organs, button = page.locator("#organs"), page.locator("#organs-button")
    check(organs.is_hidden() and button.inner_text() == "Organs" and button.bounding_box()["height"] >= 44, "a button named Organs, no panel yet")
    top = page.locator("#tools").bounding_box()["y"]
    check(float(hash_of(page)["zoom"]) > 1 and top > 740, "the scan fills the picture")
    whole = middle_of_scan(page, top)
    button.tap()
    settle(page)
    box = organs.bounding_box()
    check(box["x"] == 0 and box["width"] == 390 and 400 < box["y"] < 500 and abs(box["y"] + box["height"] - 844) < 1, f"the panel is a sheet over the lower half {box}")
    moved = middle_of_scan(page, box["y"])
    check(moved < whole - 100 and abs(moved - box["y"] / 2) < 60, f"the scan moves from row {whole:.0f} to row {moved:.0f}, the middle of what is free")
    check(page.locator("#notice").bounding_box()["y"] < box["y"], "the notice stays in sight")

    def drag(to):
        head = organs.locator("header").bounding_box()
        page.mouse.move(60, head["y"] + 20)
        page.mouse.down()
        page.mouse.move(60, to, steps=3)
        page.mouse.up()
        settle(page)

    drag(150)
    check(organs.bounding_box()["height"] > 700, "dragged up, it is tall")
    drag(520)
    check(abs(organs.bounding_box()["y"] - box["y"]) < 1, "dragged down, it is as before")
    drag(830)
    check(organs.is_hidden() and button.get_attribute("aria-expanded") == "false", "dragged away, it is closed")
    check(abs(middle_of_scan(page, top) - whole) < 3, "and the scan is back in the middle")
    page.click("#views-button")
    page.click("[data-view=L]")
    settle(page)
    check(float(hash_of(page)["az"]) == 90, "a view is chosen by name")
    page.click("#more-button")
    check(page.locator("#shot span").is_visible(), "the tools are named")
    page.click("#reset")
    check(float(hash_of(page)["az"]) == 0 and page.locator("#shot").is_hidden(), "and gone after use")


def check_presets_and_phone(browser):
    page = open_page(browser, page_2_file, {"width": 390, "height": 844}, has_touch=True, is_mobile=True,
                     reduced_motion="reduce")
    page.wait_for_function("window.renderfm !== undefined")
    settle(page)
    check(page.locator("#presets button").count() == 2, "two transfer functions, two buttons")
    first = picture(page.screenshot())
    page.locator("#presets button").nth(1).click()
    page.wait_for_timeout(300)
    settle(page)
    check(hash_of(page)["tf"] == "bone", "the switch chooses")
    check(psnr(first, picture(page.screenshot())) < 30, "and shows the other")
    check(page.evaluate("document.documentElement.scrollWidth") <= 390, "a phone needs no scrolling aside")
    check_sheet(page)
    check_clean(page, "phone")
    page.close()


def check_fallback(browser):
    page = browser.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(f"file://{page_file}")
    page.wait_for_selector("#fallback", state="visible")
    check("WebGL 2" in page.locator("#reason").inner_text(), "without WebGL 2 the page says so")
    check(page.evaluate("document.getElementById('still').naturalWidth") == 720, "and shows a still picture")
    page.close()
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"file://{page_file}")
    check(page.locator("#fallback").is_visible(), "so it does without JavaScript")
    page.close()


def main():
    chromium = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if chromium is None:
        print("[  SKIPPED ] there is no chromium on this machine")
        return 77
    make_pages()
    with sync_playwright() as playwright, ThreadPoolExecutor(1) as pool:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        check_same_pictures(browser, pool)
        check_controls(browser)
        check_presets_and_phone(browser)
        check_fallback(browser)
        check_films(browser)
        check_memory(browser)
        browser.close()
    print(f"{len(failures)} checks failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
