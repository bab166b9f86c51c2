"""Reads exported Gaussian files with software that is not ours, each by its format's text, and compares them.

usage: check_gaussian_files.py EXPECTED.txt [FILE...]
A line of EXPECTED: position (3, LPS mm), covariance (9, mm^2), opacity, SH of degree 0 and 1 (12, coefficient-major),
direction mean (3), A (9), B (9, mm), label. Files: .ply by plyfile, .glb by pygltflib, .spz by gzip, .splat by numpy.
"""
import gzip
import struct
import sys

import numpy as np

# Patient LPS mm to the frames of the formats, from their texts: glTF is y up, z forward (an asset's front faces +z), x
# to the asset's left; SPZ is right-up-back; .splat viewers use right-down-forward.
Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)
Y_DOWN = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)
DIRECTIONS = np.random.default_rng(1).normal(size=(50, 3))
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)


class Expected:
    def __init__(self, path):
        rows = np.loadtxt(path, ndmin=2)
        self.position, self.covariance = rows[:, :3], rows[:, 3:12].reshape(-1, 3, 3)
        self.opacity, self.sh = rows[:, 12], rows[:, 13:25].reshape(-1, 4, 3)
        self.mean, self.a = rows[:, 25:28], rows[:, 28:37].reshape(-1, 3, 3)
        self.b, self.label = rows[:, 37:46].reshape(-1, 3, 3), rows[:, 46]


def colours(sh, directions):
    """[N, D, 3] without the 0.5, in the convention that 3DGS, KHR_gaussian_splatting and SPZ share."""
    x, y, z = directions.T
    basis = np.stack([np.full_like(x, 0.28209479177387814), -0.48860251190291992 * y, 0.48860251190291992 * z,
                      -0.48860251190291992 * x], 1)
    return np.einsum("dk,nkc->ndc", basis[:, : sh.shape[1]], sh)


def covariance(xyzw, scale):
    x, y, z, w = (xyzw / np.linalg.norm(xyzw, axis=1, keepdims=True)).T
    r = np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                  [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                  [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]]).transpose(2, 0, 1)
    return np.einsum("nij,nj,nkj->nik", r, scale ** 2, r)


def check_shape(name, e, frame, position, cov, position_mm, relative):
    """position and covariance in metres of `frame`."""
    error = np.abs(1000 * position @ frame - e.position).max()
    assert error <= position_mm, (name, "position", error)
    back = 1e6 * np.einsum("ji,njk,kl->nil", frame, cov, frame)
    size = np.trace(e.covariance, axis1=1, axis2=2)[:, None, None]
    error = (np.abs(back - e.covariance) / size).max()
    assert error <= relative, (name, "covariance", error)
    print(f"{name}: covariance within {error:.2g} of its trace", end="")


def check_colour(name, e, frame, sh, tolerance):
    """The colour seen along a direction of the file is that seen along the same direction in LPS."""
    error = np.abs(colours(sh, DIRECTIONS) - colours(e.sh, DIRECTIONS @ frame)).max()
    assert error <= tolerance, (name, "colour", error)
    print(f", colour within {error:.2g}")


def check_ply(path, e):
    from plyfile import PlyData

    vertex = PlyData.read(path)["vertex"]
    names = [p.name for p in vertex.properties]
    assert all(p.val_dtype == "f4" for p in vertex.properties)
    column = lambda *wanted: np.stack([vertex[n].astype(float) for n in wanted], 1)
    numbered = lambda stem, count: column(*[f"{stem}_{n}" for n in range(count)])
    bands = sum(n.startswith("f_rest_") for n in names) // 3
    rest = numbered("f_rest", 3 * bands).reshape(-1, 3, bands).transpose(0, 2, 1)
    cov = covariance(numbered("rot", 4)[:, [1, 2, 3, 0]], np.exp(numbered("scale", 3)))
    check_shape(path, e, np.eye(3), column("x", "y", "z") / 1000, cov / 1e6, 1e-4, 1e-5)
    check_colour(path, e, np.eye(3), np.concatenate([numbered("f_dc", 3)[:, None], rest[:, :3]], 1), 1e-5)
    assert np.abs(1 / (1 + np.exp(-vertex["opacity"])) - e.opacity).max() < 1e-5
    assert (rest[:, 3:] == 0).all()
    if "label" not in names:
        assert len(names) == 62, names
        return
    assert (vertex["label"] == e.label).all()
    assert np.abs(column("nx", "ny", "nz") - e.mean).max() < 1e-6
    assert np.abs(numbered("dir_shift", 9).reshape(-1, 3, 3) - e.b).max() < 1e-5


def check_glb(path, e):
    from pygltflib import GLTF2

    gltf = GLTF2().load(path)
    blob = gltf.binary_blob()
    assert set(gltf.extensionsUsed) == {"KHR_gaussian_splatting", "EXT_renderfm_6dgs"} and not gltf.extensionsRequired
    assert gltf.asset.version == "2.0" and len(blob) == gltf.buffers[0].byteLength
    primitive = gltf.meshes[0].primitives[0]
    assert primitive.mode == 0
    base = primitive.extensions["KHR_gaussian_splatting"]
    assert base["kernel"] == "ellipse" and base["colorSpace"] == "srgb_rec709_display"
    attributes = {k: v for k, v in vars(primitive.attributes).items() if v is not None}
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}

    def column(name, kind):
        accessor = gltf.accessors[attributes[name]]
        view = gltf.bufferViews[accessor.bufferView]
        assert accessor.type == kind and accessor.count == len(e.opacity), (name, accessor)
        dtype = {5126: "<f4", 5121: "u1"}[accessor.componentType]
        start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
        size = width[kind] * np.dtype(dtype).itemsize
        assert start % 4 == 0 and (view.byteStride or size) == size and size % 4 == 0
        assert view.byteLength == size * accessor.count and start + view.byteLength <= len(blob)
        values = np.frombuffer(blob, dtype, width[kind] * accessor.count, start).reshape(accessor.count, -1)
        if name == "POSITION":
            assert np.array_equal(np.float32(accessor.min), values.min(0))
            assert np.array_equal(np.float32(accessor.max), values.max(0))
        return values.astype(float)

    khr, six = "KHR_gaussian_splatting:", "EXT_renderfm_6dgs:"
    # Exactly the attributes that the two extensions and glTF name.
    for name in attributes:
        assert name in ("POSITION", "COLOR_0") or name.startswith((khr, six)), name
    rotation = column(khr + "ROTATION", "VEC4")
    assert np.abs(np.linalg.norm(rotation, axis=1) - 1).max() < 1e-6
    scale, opacity = column(khr + "SCALE", "VEC3"), column(khr + "OPACITY", "SCALAR")[:, 0]
    assert (scale >= 0).all() and (opacity >= 0).all() and (opacity <= 1).all()
    sh = [column(khr + "SH_DEGREE_0_COEF_0", "VEC3")]
    sh += [column(khr + f"SH_DEGREE_1_COEF_{k}", "VEC3") for k in range(3)]
    check_shape(path, e, Y_UP, column("POSITION", "VEC3"), covariance(rotation, scale), 1e-3, 1e-5)
    check_colour(path, e, Y_UP, np.stack(sh, 1), 1e-5)
    assert np.abs(opacity - e.opacity).max() < 1e-6
    # The sixth dimension: A A^T and B A^T (the coupling of position and direction) turn like covariances.
    diagonal, lower = column(six + "DIR_CHOL_DIAGONAL", "VEC3"), column(six + "DIR_CHOL_LOWER", "VEC3")
    a = np.zeros((len(opacity), 3, 3))
    a[:, [0, 1, 2], [0, 1, 2]] = diagonal
    a[:, [1, 2, 2], [0, 0, 1]] = lower
    b = 1000 * np.stack([column(six + f"DIR_SHIFT_{k}", "VEC3") for k in range(3)], 1)
    turn = lambda m: Y_UP @ m @ Y_UP.T
    t = lambda m: m.transpose(0, 2, 1)
    assert np.abs(a @ t(a) - turn(e.a @ t(e.a))).max() < 1e-4
    assert np.abs(b @ t(a) - turn(e.b @ t(e.a))).max() < 1e-4
    assert np.abs(column(six + "DIRECTION_MEAN", "VEC3") @ Y_UP - e.mean).max() < 1e-6
    assert (column(six + "LABEL", "SCALAR")[:, 0] == e.label).all()
    assert abs(primitive.extensions["EXT_renderfm_6dgs"]["lambdaOpacity"] - 0.35) < 1e-12


def check_spz(path, e):
    raw = gzip.open(path).read()
    magic, version, count, degree, fraction, flags, zero = struct.unpack("<IIIBBBB", raw[:16])
    assert (magic, version, count, degree, zero) == (0x5053474E, 3, len(e.opacity), 1, 0)
    assert flags == 1, "our Gaussians are meant for a compensated low-pass"
    at = 16

    def stream(width):
        nonlocal at
        values = np.frombuffer(raw, "u1", width * count, at).reshape(count, width)
        at += width * count
        return values.astype(int)

    fixed = stream(9).reshape(count, 3, 3) @ [1, 1 << 8, 1 << 16]
    position = np.where(fixed >= 1 << 23, fixed - (1 << 24), fixed) / (1 << fraction)
    opacity = stream(1)[:, 0] / 255
    dc = (stream(3) / 255 - 0.5) / 0.15
    scale = np.exp(stream(3) / 16 - 10)
    packed = stream(4) @ [1, 1 << 8, 1 << 16, 1 << 24]
    rotation = np.zeros((count, 4))
    for n, word in enumerate(packed):
        largest = word >> 30
        for part in [k for k in (3, 2, 1, 0) if k != largest]:
            rotation[n, part] = (word & 511) / 511 / np.sqrt(2) * (-1 if word & 512 else 1)
            word >>= 10
        rotation[n, largest] = np.sqrt(1 - (rotation[n] ** 2).sum())
    rest = (stream(9).reshape(count, 3, 3) - 128) / 128
    assert at == len(raw)
    # Half a step: 1/32 of the logarithm of a scale, 1/1022 of a rotation's parts; squared and added up.
    check_shape(path, e, Y_UP, position, covariance(rotation, scale), 1e-3, 0.08)
    assert np.abs(opacity - e.opacity).max() <= 0.5 / 255 + 1e-9
    check_colour(path, e, Y_UP, np.concatenate([dc[:, None], rest], 1), 0.5 / 255 / 0.15 * 0.2821 + 1.5 / 256)


def check_splat(path, e):
    row = np.dtype([("position", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("wxyz", "u1", 4)])
    rows = np.fromfile(path, row)
    assert len(rows) == len(e.opacity)
    # Its rows are sorted, ours are not: pair them by position.
    position = rows["position"].astype(float)
    pairs = np.abs(1000 * position @ Y_DOWN - e.position[:, None]).max(2).argmin(1)
    assert len(set(pairs)) == len(rows)
    rows, position = rows[pairs], position[pairs]
    rotation = (rows["wxyz"][:, [1, 2, 3, 0]].astype(float) - 128) / 128
    check_shape(path, e, Y_DOWN, position, covariance(rotation, rows["scale"].astype(float)), 1e-3, 0.03)
    assert np.abs(rows["rgba"][:, 3] / 255 - e.opacity).max() <= 0.5 / 255 + 1e-6
    wanted = np.clip(0.5 + 0.28209479177387814 * e.sh[:, 0], 0, 1)
    error = np.abs(rows["rgba"][:, :3] / 255 - wanted).max()
    assert error <= 0.5 / 255 + 1e-6
    print(f", colour within {error:.2g}")


def main():
    expected = Expected(sys.argv[1])
    for path in sys.argv[2:]:
        {"ply": check_ply, "glb": check_glb, "spz": check_spz, "splat": check_splat}[path.rsplit(".", 1)[1]](
            path, expected)


main()
