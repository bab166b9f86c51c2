"""renderfm-view --serve as a user meets it, in headless Chromium, on a small phantom: a CT is dropped, watched, seen,
shown otherwise, fine-tuned and downloaded; a zip of DICOM slices and files of Gaussians are dropped; a CT is named when
the server is started. And as others meet it: wrong hosts and origins, paths that leave their
root, files that are too large, cut short or no scan, and some thousand mutated requests.

Usage: serve_test.py RENDERFM_PREPARE RENDERFM_VIEW. Exits 77 where there is no Chromium or no playwright.
Environment: RENDERFM_SCREENSHOTS, a folder for pictures of every state.
"""
import atexit
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

try:
    import nibabel
    import numpy as np
    from PIL import Image
    from playwright.sync_api import sync_playwright
    from plyfile import PlyData
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
except ImportError as error:
    print(f"[  SKIPPED ] {error}")
    sys.exit(77)

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--headless=new"]
prepare, view = (os.path.abspath(path) for path in sys.argv[1:3])
work = tempfile.TemporaryDirectory()
screens = os.environ.get("RENDERFM_SCREENSHOTS")
os.environ["RENDERFM_MODEL"] = "primed"  # quick, and the same whatever ships
failures = []
started = time.monotonic()


def check(condition, text):
    print(f"{time.monotonic() - started:6.1f} s {'ok   ' if condition else 'WRONG'} {text}", flush=True)
    if not condition:
        failures.append(text)


class Server:
    """A server with a temporary folder of its own."""

    def __init__(self, *more):
        self.temporary = tempfile.mkdtemp(dir=work.name)
        self.process = subprocess.Popen([view, "--serve", "0", "--spacing", "10", *more], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": self.temporary})
        atexit.register(self.process.kill)
        self.place = self.process.stdout.readline().strip()  # its address, and the scan that it was started with
        self.url = self.place.partition("#")[0]
        self.port = int(re.match(r"http://[^/]*:(\d+)/", self.url).group(1))
        self.token = re.search("&quot;token&quot;:&quot;([0-9a-f]+)", self.raw("GET", "/")[1]).group(1)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send_raw(self, data):
        """Bytes to the server, and all that it answers."""
        with self.connect() as connection:
            answer = b""
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionError:
                pass
            return answer

    def raw(self, method, path, body=b"", host="localhost", length=None, **headers):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body) if length is None else length}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        answer = self.send_raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head, _, text = answer.partition(b"\r\n\r\n")
        return (int(head.split()[1]) if head else 0), text.decode(errors="replace")

    def ask(self, method, path, body=b"", **headers):
        status, text = self.raw(method, path, body, X_RenderFM_Token=self.token, **headers)
        return status, json.loads(text)

    def files(self):
        return [path for path in pathlib.Path(self.temporary).rglob("*") if path.is_file()]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def make_scan():
    subprocess.run([prepare, "--phantom", "1", "--views", "0", "--spacing", "10", "--out", os.path.join(work.name, "p"), "-q"],
                   check=True, stdout=subprocess.DEVNULL)
    case = pathlib.Path(work.name, "p", "phantom_0001")
    shutil.copy(case / "ct.nii.gz", os.path.join(work.name, "Thorax 12.nii.gz"))
    shutil.copy(case / "labels.nii.gz", os.path.join(work.name, "segmentation.nii.gz"))


def make_dicom(folder):
    """The phantom as axial slices, which come in no order and from above."""
    image = nibabel.as_closest_canonical(nibabel.load(os.path.join(work.name, "Thorax 12.nii.gz")))
    hu = np.asarray(image.dataobj)[::-1, ::-1]  # right to left, front to back, feet to head
    step = image.header.get_zooms()
    corner = nibabel.affines.apply_affine(image.affine, [hu.shape[0] - 1, hu.shape[1] - 1, 0]) * [-1, -1, 1]
    os.mkdir(folder)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(hu.shape[2]):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.Modality, ds.PatientName, ds.PatientID = "CT", "SECRET^NAME", "SECRET-ID"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.InstanceNumber = hu.shape[2] - k
        ds.ImagePositionPatient = [f"{v:.4f}" for v in (corner[0], corner[1], corner[2] + k * step[2])]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing = [f"{step[1]:.4f}", f"{step[0]:.4f}"]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.Columns, ds.Rows = hu.shape[:2]
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation = 15, 1
        ds.RescaleSlope, ds.RescaleIntercept = 1, 0
        ds.PixelData = np.round(hu[:, :, k].T).astype("<i2").tobytes()
        ds.save_as(os.path.join(folder, f"IM{k * 7919 % 1000:04}"), enforce_file_format=True)


DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def shoot(page, name):
    if not screens:
        return
    for theme in ("dark", "light"):
        if page.evaluate("document.documentElement.dataset.theme") != theme:
            page.click("#theme")
        for kind, size in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)
            page.wait_for_timeout(400)
            page.screenshot(path=os.path.join(screens, f"{name}-{kind}-{theme}.png"))
    page.click("#theme")
    page.set_viewport_size(SMALL)


SMALL = {"width": 480, "height": 360}  # software draws few pixels fast
DROP = """async ([names, texts]) => {
  const transfer = new DataTransfer();
  for (let k = 0; k < names.length; ++k) {
    const bytes = Uint8Array.from(atob(texts[k]), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], names[k]));
  }
  for (const type of ["dragover", "drop"]) {
    document.getElementById("zone").dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


def drop(page, *paths):
    import base64
    page.evaluate(DROP, [[os.path.basename(path) for path in paths],
                         [base64.b64encode(pathlib.Path(path).read_bytes()).decode() for path in paths]])


def wait_until(page, expression, arg=None):
    """Polls from outside: the page's policy forbids what the browser driver would do within."""
    for _ in range(2400):
        value = page.evaluate(expression, arg)
        if value:
            return value
        page.wait_for_timeout(50)
    raise TimeoutError(expression)


def state_of(page):
    return page.evaluate("document.body.dataset.state")


def wait_view(page, look):
    """Until the picture of a look stands in the frame."""
    wait_until(page, """(page) => { const frames = document.querySelectorAll('#frames iframe');
        return frames.length === 1 && !frames[0].classList.contains('coming') && frames[0].src.includes('/pages/' + page + '#'); }""",
                           arg=look)


def viewer_hash(page):
    return page.evaluate("document.querySelector('#frames iframe').contentWindow.renderfm.hash()")


def start_tuning(page, **settings):
    """As the button does, with few steps."""
    page.evaluate("""async ([token, order]) => {
      const id = location.hash.slice(6);
      await fetch(`/api/scans/${id}/jobs`, { method: "POST", headers: { "X-RenderFM-Token": token }, body: JSON.stringify(order) });
    }""", [page.evaluate("JSON.parse(document.body.dataset.config).token"), {"kind": "tune", **settings}])
    page.reload()


def check_journey(browser, server):
    page = browser.new_page(viewport=SMALL, accept_downloads=True)
    page.set_default_timeout(120000)
    messages, outside = [], []
    page.on("console", lambda m: messages.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: messages.append(str(e)))
    page.on("request", lambda r: outside.append(r.url) if not r.url.startswith((server.url, "blob:", "data:")) else None)
    page.goto(server.url)
    check(state_of(page) == "drop" and page.locator(".foot").first.inner_text().startswith("Not for diagnosis"), "an empty page says what to do")
    shoot(page, "1-drop")

    # Something that is no scan.
    garbage = os.path.join(work.name, "holiday.nii.gz")
    pathlib.Path(garbage).write_bytes(random.Random(1).randbytes(5000))
    drop(page, garbage)
    page.wait_for_selector("#drop-error:not([hidden])")
    text = page.locator("#drop-error").inner_text()
    check("holiday.nii.gz" in text and server.temporary not in text and "\n" not in text, f"a file that is no scan: '{text}'")
    shoot(page, "2-error")
    drop(page, os.path.join(work.name, "Thorax 12.nii.gz"), garbage)
    check("One scan at a time" in page.locator("#drop-error").inner_text(), "two scans at once are refused")
    check(server.files() == [], "and nothing is left on the disk")

    # The upload, while the server holds its breath.
    server.process.send_signal(signal.SIGSTOP)
    drop(page, os.path.join(work.name, "Thorax 12.nii.gz"), os.path.join(work.name, "segmentation.nii.gz"))
    wait_until(page, "document.body.dataset.state === 'work'")
    check(page.locator("#work-title").inner_text() == "Uploading", "the upload is told")
    shoot(page, "3-upload")
    server.process.send_signal(signal.SIGCONT)
    seen = set()
    while state_of(page) == "work":
        seen.add(page.locator("#work-step").inner_text())
        if screens and page.locator("#work-title").inner_text() == "Working" and "shot" not in seen:
            seen.add("shot")
            page.screenshot(path=os.path.join(screens, "4-work-now.png"))
        page.wait_for_timeout(50)
    check(any("scan" in step.lower() for step in seen), f"stages are told: {sorted(seen)}")
    wait_view(page, "look1")
    frame = page.frame_locator("#frames iframe")
    check(page.locator("#scan-name").inner_text() == "Thorax 12.nii.gz", "the scan's name stands above it")
    check(frame.locator("#notice").inner_text() == "Not for diagnosis", "the viewer is the viewer's page")
    check("liver" in page.evaluate("document.querySelector('#frames iframe').contentDocument.getElementById('page').textContent"), "with the labels' organs")
    shoot(page, "5-view")

    # Another look, from the same side.
    page.evaluate("document.querySelector('#frames iframe').contentWindow.renderfm.show('#az=40&el=20&zoom=1.5&clip=0,1,0,5')")
    first = page.locator("#look option:checked").inner_text()
    other = page.locator("#look optgroup[label='Make another'] option").first.get_attribute("value")
    page.select_option("#look", other)
    page.wait_for_selector("#job-bar:not([hidden])")
    wait_view(page, "look2")
    moved = dict(part.split("=", 1) for part in viewer_hash(page)[1:].split("&"))
    check(moved["az"] == "40" and moved["el"] == "20" and "clip" in moved, f"another look keeps the view: {moved}")
    check(page.locator("#look option:checked").inner_text() != first, "and is the one chosen")
    page.select_option("#look", "look:0")
    wait_view(page, "look1")
    check(page.locator("#look optgroup[label='There'] option").count() == 2, "both stay")

    # Fine-tuning with a live curve and pictures that follow.
    page.click("#tune-button")
    check(page.locator("#effort label").count() == 3, "fine-tuning offers three efforts")
    shoot(page, "6-tune-choices")
    start_tuning(page, look=0, views=8, size=64, steps=12000, samples=64, held_out_samples=64)
    wait_until(page, "(document.querySelector('#chart polyline')?.getAttribute('points') || '').split(' ').length >= 2")
    check(re.match(r"\d+\.\d\d dB", page.locator("#psnr-now").inner_text()) is not None, f"live: {page.locator('#psnr-now').inner_text()} {page.locator('#psnr-gain').inner_text()}")
    live = wait_until(page, """() => { const frame = document.querySelector('#frames iframe:not(.coming)');
        const name = frame && /pages\\/(tuned\\d+-\\d+)#/.exec(frame.src); return name && name[1]; }""")
    check(live is not None, f"the picture follows: {live}")
    shoot(page, "7-tuning")
    # Stopping keeps the best.
    page.click("#tune-cancel")
    wait_view(page, "tuned3")
    check("fine-tuned" in page.locator("#look option:checked").inner_text(), "the best so far is shown")
    check(page.locator("#tune-message").inner_text() == "Stopped; the best so far is kept.", page.locator("#tune-message").inner_text())
    check(page.locator("#psnr-gain").inner_text().startswith("+"), f"it is better: {page.locator('#psnr-gain').inner_text()}")
    shoot(page, "8-tuned")

    # Downloads.
    for kind, test in {"ply": lambda b: b[:4] == b"ply\n", "glb": lambda b: b[:4] == b"glTF", "spz": lambda b: b[:2] == b"\x1f\x8b",
                       "html": lambda b: b[:15] == b"<!doctype html>"}.items():
        page.click("#download-menu summary")
        if kind == "ply":
            shoot(page, "9-download")
            if page.locator("#download-menu[open]").count() == 0:
                page.click("#download-menu summary")
        with page.expect_download() as download:
            page.click(f"[data-format={kind}]")
        path = download.value.path()
        check(test(pathlib.Path(path).read_bytes()), f"{download.value.suggested_filename} is what it says")
        check(re.fullmatch(rf"Thorax_12-[a-z_-]+-tuned\.{kind}", download.value.suggested_filename) is not None, "and named after the scan")
        if kind == "ply":
            ply = PlyData.read(path)
            check(len(ply["vertex"]) > 1000 and any("fine-tuned" in c for c in ply.comments), f"{len(ply['vertex'])} Gaussians, fine-tuned")

    # A run that ends by itself.
    start_tuning(page, look=0, views=4, size=48, steps=60, samples=16, held_out_samples=16)
    wait_until(page, "/^(Done|No step)/.test(document.getElementById('tune-message').textContent)")
    check(page.locator("#tune-start").is_enabled(), page.locator("#tune-message").inner_text())
    page.reload()
    wait_until(page, "document.body.dataset.state === 'view'")
    check(page.locator("#look optgroup[label='There'] option").count() >= 3, "a reload shows the same scan")
    page.click("#new-scan")
    wait_until(page, "document.body.dataset.state === 'drop'")
    for _ in range(100):
        if server.files() == []:
            break
        time.sleep(0.05)
    check(server.files() == [], "closing the scan removes every file of it")
    refused = "the server responded with a status of"  # the browser's own word on refusals that are meant
    messages[:] = [text for text in messages if refused not in text]
    check(messages == [], f"the console stays empty {messages[:3]}")
    check(outside == [], f"nothing is asked elsewhere {outside[:3]}")
    page.close()


def opened(page, server):
    """What the server says of the scan that the page shows."""
    wait_until(page, "document.body.dataset.state === 'view' || !document.getElementById('drop-error').hidden")
    if state_of(page) != "view":
        check(False, f"it is shown: {page.locator('#drop-error').inner_text()}")
        return None
    wait_view(page, "look1")
    page.evaluate("document.querySelector('#frames iframe').contentWindow.renderfm.settled()")
    return server.ask("GET", "/api/scans/" + page.evaluate("location.hash.slice(6)"))[1]


def drawn(page):
    """The share of the picture that is not ground."""
    page.wait_for_timeout(50)
    picture = np.asarray(Image.open(io.BytesIO(page.locator("#frames").screenshot())).convert("RGB")).astype(int)
    ground = picture[len(picture) // 2, 3]
    return float((np.abs(picture - ground).max(axis=2) > 40).mean())


def names_organ(page, name):
    return name in page.evaluate("document.querySelector('#frames iframe').contentDocument.getElementById('page').textContent")


def close_scan(page):
    page.click("#new-scan")
    wait_until(page, "document.body.dataset.state === 'drop'")


def check_kinds(browser):
    """Everything that can be dropped but a volume in one file."""
    server = Server("--max-gaussians", "3000")
    page = browser.new_page(viewport=SMALL)
    page.goto(server.url)
    slices = os.path.join(work.name, "slices")
    make_dicom(slices)
    archive = os.path.join(work.name, "study.ZIP")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for number, name in enumerate(sorted(os.listdir(slices))):
            out.write(os.path.join(slices, name), f"DICOM/S{number % 3}/{name}")
        out.writestr("DICOM/viewer/autorun.inf", "[autorun]")
    drop(page, archive, os.path.join(work.name, "segmentation.nii.gz"))
    state = opened(page, server)
    if state:
        count = state["looks"][0]["count"]
        check(state["kind"] == "scan" and count > 1000 and drawn(page) > 0.05, f"a zip of DICOM slices: {count} Gaussians on {drawn(page):.0%} of the picture")
        check(names_organ(page, "liver"), "with the organs of the labels beside it")
        check("SECRET" not in json.dumps(state) + server.raw("GET", f"/scans/{state['id']}/pages/look1")[1], "without the patient's name")
        files = []
        for kind in ("ply", "glb", "spz"):
            files.append(os.path.join(work.name, f"shared.{kind}"))
            with server.connect() as connection:
                connection.sendall(f"GET /scans/{state['id']}/looks/0/{kind} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                pathlib.Path(files[-1]).write_bytes(b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")[2])
        close_scan(page)
        for path in files:
            drop(page, path)
            name, seen = os.path.basename(path), opened(page, server)
            if not seen:
                continue
            check(seen["kind"] == "gaussians" and seen["looks"][0]["count"] == count and drawn(page) > 0.05, f"{name}: {seen['looks'][0]['count']} Gaussians on {drawn(page):.0%} of the picture")
            check(page.locator("#tune-button").is_hidden() and page.locator("#look optgroup").count() == 1, "nothing is offered that needs the scan")
            if path.endswith("ply"):
                check(names_organ(page, "liver"), "its organs are there")
            close_scan(page)
    # Broken ones are refused in a sentence that names them.
    for name, content in {"cut.ply": pathlib.Path(work.name, "shared.ply").read_bytes()[:-100], "a.glb": b"glTF" + bytes(100), "b.spz": random.Random(2).randbytes(300),
                          "empty.zip": b"PK\5\6" + bytes(18), "c.zip": random.Random(3).randbytes(300)}.items():
        path = pathlib.Path(work.name, name)
        path.write_bytes(content)
        page.evaluate("document.getElementById('drop-error').hidden = true")
        drop(page, str(path))
        page.wait_for_selector("#drop-error:not([hidden])")
        text = page.locator("#drop-error").inner_text()
        check(name in text and server.temporary not in text and "\n" not in text, f"{name}: '{text}'")
    page.close()
    check(server.stop() == 0 and os.listdir(server.temporary) == [], "nothing of these stays")


def check_started_with(browser):
    """Scans that are named on the command line."""
    scan, labels = (os.path.join(work.name, name) for name in ("Thorax 12.nii.gz", "segmentation.nii.gz"))
    for given, more, name in [(scan, ["--labels", labels, "--tf", "bone"], "Thorax 12.nii.gz"), (os.path.join(work.name, "slices") + "/", [], "slices"),
                              (os.path.join(work.name, "shared.ply"), [], "shared.ply")]:
        server = Server(given, "--max-gaussians", "3000", *more)
        page = browser.new_page(viewport=SMALL)
        page.goto(server.place)
        state = opened(page, server)
        if state:
            check(state["name"] == name and drawn(page) > 0.02, f"started with {given}: {state['looks'][0]['count']} Gaussians on {drawn(page):.0%} of the picture")
            check(not more or (state["looks"][0]["tf"] == "bone" and state["labels"] == "segmentation.nii.gz"), "as the command line says")
            if more:
                page.select_option("#look", page.locator("#look optgroup[label='Make another'] option").first.get_attribute("value"))
                wait_view(page, "look2")
            close_scan(page)
        check(os.path.exists(given) and os.path.exists(labels), "closing it leaves the user's files alone")
        page.close()
        check(server.stop() == 0 and os.listdir(server.temporary) == [] and os.path.exists(given), "and so does the server's end")
    server = Server(os.path.join(work.name, "holiday.nii.gz"))
    page = browser.new_page(viewport=SMALL)
    page.goto(server.place)
    page.wait_for_selector("#drop-error:not([hidden])")
    check("holiday.nii.gz" in page.locator("#drop-error").inner_text(), f"started with what is no scan: '{page.locator('#drop-error').inner_text()}'")
    page.close()
    server.stop()
    outcome = subprocess.run([view, "--serve", "0", "/nowhere/ct.nii.gz"], capture_output=True, text=True)
    check(outcome.returncode == 2 and "/nowhere/ct.nii.gz" in outcome.stderr, f"started with nothing: {outcome.stderr.strip()}")


def check_hostile(server):
    scan = pathlib.Path(work.name, "Thorax 12.nii.gz").read_bytes()
    for path in ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/scans/../etc/passwd",
                 "//etc/passwd", "/etc/passwd", "/style.css/../../etc/passwd", "/scans/x/pages/..%2f..%2f..%2fetc%2fpasswd"]:
        status, text = server.raw("GET", path)
        check(status in (400, 404) and "root:" not in text, f"{path}: {status}")
    check(server.raw("GET", "/", host="evil.example")[0] == 403, "a name that is not ours (DNS rebinding)")
    ours = f"localhost:{server.port}"
    check(server.raw("POST", "/api/scans?name=a.nii.gz", scan, host=ours, Origin="http://evil.example", X_RenderFM_Token=server.token)[0] == 403, "another site's page")
    check(server.raw("POST", "/api/scans?name=a.nii.gz", scan, host=ours, Origin=f"http://{ours}")[0] == 403, "a request without the page's token")
    status, answer = server.ask("POST", "/api/scans?name=a.nii.gz", b"x" * ((1 << 20) + 1))
    check(status == 413 and "larger than the 1 MB" in answer["error"], f"too large: {answer['error']}")
    status, answer = server.ask("POST", "/api/scans?name=a.nii.gz", scan[:1000], length=len(scan))
    check(status == 400 and "after 1000 of" in answer["error"], f"cut short: {answer['error']}")
    check(server.files() == [], "nothing of these is kept")
    # Two at a time, interleaved.
    head = f"POST /api/scans?name=%s HTTP/1.1\r\nHost: localhost\r\nX-RenderFM-Token: {server.token}\r\nContent-Length: {len(scan)}\r\n\r\n"
    with server.connect() as first, server.connect() as second:
        first.sendall((head % "a.nii.gz").encode() + scan[:500])
        second.sendall((head % "b.nii.gz").encode() + scan[:700])
        first.sendall(scan[500:])
        second.sendall(scan[700:])
        ids = [json.loads(connection.recv(65536).partition(b"\r\n\r\n")[2] or connection.recv(65536))["id"] for connection in (first, second)]
    stored = [path.read_bytes() for path in server.files()]
    check(len(set(ids)) == 2 and stored == [scan, scan], "two uploads at a time arrive whole, apart")
    for scan_id in ids:
        check(server.ask("DELETE", f"/api/scans/{scan_id}")[0] == 200, "and are closed")


def check_mutations(server, count=3000):
    """Requests with bytes changed, cut, doubled and moved, the same ones each time."""
    seeds = [f"{line} HTTP/1.1\r\nHost: localhost\r\nX-RenderFM-Token: {server.token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
             for line, body in [("GET /", ""), ("GET /app.js", ""), ("POST /api/scans?name=a.nii.gz", "data" * 20), ("GET /api/scans/" + "0" * 32, ""),
                                ("PUT /api/scans/" + "0" * 32 + "/labels?name=l.nii.gz", "labels"), ("DELETE /api/scans/" + "0" * 32, ""),
                                ("POST /api/scans/" + "0" * 32 + "/jobs", '{"kind":"look","tf":"bone"}'), ("GET /scans/" + "0" * 32 + "/looks/0/ply", "")]]
    generator = random.Random(7)
    odd, answered = [], 0
    for _ in range(count):
        data = bytearray(generator.choice(seeds))
        for _ in range(generator.randrange(1, 5)):
            at = generator.randrange(len(data) or 1)
            kind = generator.randrange(5)
            if kind == 0 and data:
                data[at] = generator.randrange(256)
            elif kind == 1:
                del data[at:at + generator.randrange(1, 20)]
            elif kind == 2:
                data[at:at] = data[at:at + generator.randrange(1, 40)]
            elif kind == 3:
                data[at:at] = generator.choice([b"\r\n", b"\0", b"%2e%2e/", b"Content-Length: 9\r\n", b"\xff" * 9, b"{", b"A" * 3000])
            else:
                del data[at:]
        answer = server.send_raw(bytes(data))
        answered += bool(answer)
        if answer and not re.match(rb"HTTP/1\.1 (200|201|202|4\d\d|50[357]) ", answer):
            odd.append((bytes(data), answer[:80]))
    check(odd == [], f"{count} mutated requests, {answered} answered, none with a fault of the server {odd[:2]}")
    check(server.process.poll() is None and server.raw("GET", "/")[0] == 200, "the server lives on")


def main():
    chromium = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if chromium is None:
        print("[  SKIPPED ] there is no chromium on this machine")
        return 77
    make_scan()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        server = Server("--max-gaussians", "3000")
        check_journey(browser, server)
        check_kinds(browser)
        check_started_with(browser)
        browser.close()
    check(server.stop() == 0 and os.listdir(server.temporary) == [], "SIGTERM ends the server and removes its folder")
    server = Server("--max-upload", "1")
    check_hostile(server)
    check_mutations(server)
    check(server.stop() == 0 and os.listdir(server.temporary) == [], "and again")
    print(f"{len(failures)} checks failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
