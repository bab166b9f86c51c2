"""Reads PFM files without Render-FM and compares them with expected values; writes one for it to read.

usage: check_pfm.py COLOUR.pfm GREY.pfm WRITE_BIG_ENDIAN.pfm
Pixel (x, y) of channel c holds 100 c + 10 y + x / 8 - 3 in a picture of 7 x 5 pixels, y from the top.
Pillow reads the grey file; it knows no coloured PFM, which numpy reads by the format's description.
"""
import sys

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 7, 5


def expected(channels):
    c, y, x = np.meshgrid(np.arange(channels), np.arange(HEIGHT), np.arange(WIDTH), indexing="ij")
    return (100 * c + 10 * y + x / 8 - 3).astype(np.float32)


def read_colour(path):
    with open(path, "rb") as file:
        assert file.readline() == b"PF\n"
        width, height = map(int, file.readline().split())
        scale = float(file.readline())
        assert abs(scale) == 1.0, scale
        values = np.frombuffer(file.read(), dtype="<f4" if scale < 0 else ">f4")
    return np.flipud(values.reshape(height, width, 3)).transpose(2, 0, 1)


def main():
    colour, grey, to_write = sys.argv[1:]
    np.testing.assert_array_equal(read_colour(colour), expected(3))
    with Image.open(grey) as image:
        np.testing.assert_array_equal(np.asarray(image), expected(1)[0])
    with open(to_write, "wb") as file:
        file.write(f"PF\n{WIDTH} {HEIGHT}\n1.000000\n".encode())
        file.write(np.flipud(expected(3).transpose(1, 2, 0)).astype(">f4").tobytes())


main()
