"""Reads two Gaussian files as a plain 3DGS viewer would and compares them with expected values.

usage: check_ply.py OURS.ply INRIA.ply EXPECTED.txt
A line of EXPECTED holds a Gaussian's 3x3 covariance, opacity, SH DC of green and SH 1 of blue.
"""
import sys

import numpy as np
from plyfile import PlyData


def rotation(w, x, y, z):
    n = np.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / n, x / n, y / n, z / n
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def check(path, expected, rest_per_channel):
    ply = PlyData.read(path)
    vertex = ply["vertex"]
    assert vertex.count == len(expected), (path, vertex.count)
    names = [p.name for p in vertex.properties]
    assert names[:9] == ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"], names
    assert all(p.val_dtype == "f4" for p in vertex.properties)
    for n, row in enumerate(expected):
        v = vertex[n]
        scale = np.exp([v["scale_0"], v["scale_1"], v["scale_2"]])
        r = rotation(v["rot_0"], v["rot_1"], v["rot_2"], v["rot_3"])
        assert v["rot_0"] >= 0 and abs(np.linalg.det(r) - 1) < 1e-6
        covariance = r @ np.diag(scale ** 2) @ r.T
        wanted = row[:9].reshape(3, 3)
        assert np.allclose(covariance, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max()), (path, n)
        assert abs(1 / (1 + np.exp(-v["opacity"])) - row[9]) < 1e-5
        assert abs(v["f_dc_1"] - row[10]) < 1e-5
        assert abs(v[f"f_rest_{2 * rest_per_channel}"] - row[11]) < 1e-5, "f_rest must be channel-major"


def main():
    ours, inria, expected_path = sys.argv[1:]
    expected = np.loadtxt(expected_path)
    check(ours, expected, 3)
    check(inria, expected, 15)
    assert len(PlyData.read(inria)["vertex"].properties) == 62


main()
