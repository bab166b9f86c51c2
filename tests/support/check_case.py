#!/usr/bin/env python3
"""check_case.py CASE: reads a case as 3DGS trainers read their Blender scenes, and checks that its cameras see its
points. Exits 1 with a sentence where they would not get on."""
import json
import math
import pathlib
import sys

import numpy as np
from plyfile import PlyData


def png_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def main(case):
    vertices = PlyData.read(case / "points3d.ply")["vertex"]
    points = np.vstack([vertices[name] for name in "xyz"]).T
    colours = np.vstack([vertices[name] for name in ("red", "green", "blue")]).T
    normals = np.vstack([vertices[name] for name in ("nx", "ny", "nz")]).T
    assert len(points) > 0 and np.isfinite(points).all() and np.isfinite(normals).all(), "points3d.ply"
    assert colours.dtype == np.uint8, "colours are not bytes"
    sphere = np.array(json.loads((case / "case.json").read_text())["view_sphere"])
    for name in ("transforms_train.json", "transforms_test.json"):
        contents = json.loads((case / name).read_text())
        angle_x = contents["camera_angle_x"]
        for frame in contents["frames"]:
            width, height = png_size(pathlib.Path(str(case / frame["file_path"]) + ".png"))
            world_from_camera = np.array(frame["transform_matrix"])
            world_from_camera[:3, 1:3] *= -1  # OpenGL to OpenCV axes
            camera_from_world = np.linalg.inv(world_from_camera)
            focal = width / (2 * math.tan(angle_x / 2))
            assert (width, height) == (frame["w"], frame["h"]), "size of the picture"
            assert abs(focal - frame["fl_x"]) < 1e-6 * focal, "focal length"
            centre = camera_from_world @ np.append(sphere[:3], 1)
            assert abs(centre[0]) < 1e-6 * sphere[3] and abs(centre[1]) < 1e-6 * sphere[3], "aim"
            # The sphere touches the shorter side of the picture.
            reach = focal * math.tan(math.asin(sphere[3] / centre[2]))
            assert abs(reach - min(width, height) / 2) < 1e-6 * reach, "distance"


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
