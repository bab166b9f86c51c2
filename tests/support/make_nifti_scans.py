"""Writes scans whose voxel positions nibabel knows, for the tests of image_io.

    make_nifti_scans.py OUT

Beside each scan NAME.nii(.gz) lies NAME.probes: lines of "x y z hu", world positions in LPS mm and the value there.
"""
import itertools
import os
import sys

import nibabel as nib
import numpy as np
import struct

out = sys.argv[1]
rng = np.random.default_rng(7)
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def probe_file(path, affine, values, interior=False, count=60):
    """World positions by nibabel's own rule, affine @ index, in LPS."""
    margin = 1 if interior else 0
    index = np.stack([rng.integers(margin, n - margin, count) for n in values.shape], axis=1)
    world = nib.affines.apply_affine(RAS_TO_LPS @ affine, index)
    with open(path, "w") as stream:
        for point, i in zip(world, index):
            stream.write("%.9f %.9f %.9f %.6f\n" % (*point, values[tuple(i)]))


def save(name, image, values=None, **kwargs):
    path = os.path.join(out, name)
    nib.save(image, path)
    loaded = nib.load(path)  # what was written, float32 header and all
    if values is None:
        values = np.asanyarray(loaded.dataobj)
    probe_file(path.split(".nii")[0] + ".probes", loaded.affine, values, **kwargs)


def noise(shape, dtype=np.int16):
    return rng.integers(-1000, 1500, shape).astype(dtype)


def image(values, affine, kind=nib.Nifti1Image):
    made = kind(values, affine)
    made.set_sform(affine, 1)
    made.set_qform(affine, 1)
    made.header.set_xyzt_units("mm", "sec")
    return made


# All 48 axis orders, isotropic, each axis of another length.
for number, (order, signs) in enumerate(itertools.product(itertools.permutations(range(3)),
                                                          itertools.product((1, -1), repeat=3))):
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis in range(3):
        affine[order[axis], axis] = signs[axis] * 2.5
    affine[:3, 3] = rng.uniform(-200, 200, 3)
    save("order%02d.nii.gz" % number, image(noise((5, 7, 9)), affine))


def rotation(seed):
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def oblique(seed, spacing):
    affine = np.eye(4)
    affine[:3, :3] = rotation(seed) * np.asarray(spacing)
    affine[:3, 3] = rng.uniform(-200, 200, 3)
    return affine


base = oblique(1, (0.8, 0.9, 2.0))
save("oblique0.nii.gz", image(noise((12, 10, 8)), base))
save("oblique1.nii.gz", image(noise((12, 10, 8)), oblique(2, (1.5, 1.5, 1.5))))

# sform and qform, alone and against each other.
made = nib.Nifti1Image(noise((6, 7, 8)), base)
made.set_sform(None, 0)
made.set_qform(base, 1)
save("qform_only.nii.gz", made)
made = nib.Nifti1Image(noise((6, 7, 8)), base)
made.set_qform(oblique(5, (0.8, 0.9, 2.0)), 1)
made.set_sform(base, 2)
save("sform_wins.nii.gz", made)
made = nib.Nifti1Image(noise((6, 7, 8)), None)
made.header.set_zooms((1.5, 1.5, 3.0))
made.set_sform(None, 0)
made.set_qform(None, 0)
save("no_orientation.nii.gz", made)

# Storage.
save("nifti2.nii.gz", image(noise((6, 7, 8)), base, nib.Nifti2Image))
save("plain.nii", image(noise((6, 7, 8)), base))
big = nib.Nifti1Image(noise((6, 7, 8), ">i2"), base, header=nib.Nifti1Header(endianness=">"))
big.set_sform(base, 1)
save("big_endian.nii", big)
for kind in ("int32", "uint16", "float32", "float64", "int8"):
    values = noise((6, 7, 8))
    if kind == "int8":
        values = np.clip(values // 10 - 20, -128, 127)
        values[0] = -128
    if kind == "uint16":
        values = (values + 1024).astype(np.uint16)
        made = image(values, base)
        made.header.set_slope_inter(1, -1024)
        nib.save(made, os.path.join(out, "type_uint16.nii.gz"))
        loaded = nib.load(os.path.join(out, "type_uint16.nii.gz"))
        probe_file(os.path.join(out, "type_uint16.probes"), loaded.affine, np.asanyarray(loaded.dataobj))
        continue
    save("type_%s.nii.gz" % kind, image(values.astype(kind), base))
made = image(noise((6, 7, 8)), base)
made.header.set_slope_inter(0.5, -100)
save("scaled.nii.gz", made, None)
metres = base.copy()
metres[:3] /= 1000
values = noise((6, 7, 8))
made = image(values, metres)
made.header.set_xyzt_units("meter")
nib.save(made, os.path.join(out, "metres.nii.gz"))
loaded = nib.load(os.path.join(out, "metres.nii.gz")).affine
loaded[:3] *= 1000
probe_file(os.path.join(out, "metres.probes"), loaded, values)
made = image(noise((6, 7, 8)), base)
made.header.set_xyzt_units("meter")  # and means millimetres
save("wrong_unit.nii.gz", made)
os.rename(os.path.join(out, "plain.nii"), os.path.join(out, "plain.nrrd"))  # a suffix that lies

# Four dimensions: the probes are those of time point 2.
series = noise((6, 7, 8, 4))
made = image(series, base)
nib.save(made, os.path.join(out, "time.nii.gz"))
probe_file(os.path.join(out, "time.probes"), nib.load(os.path.join(out, "time.nii.gz")).affine, series[..., 2])
probe_file(os.path.join(out, "time_first.probes"), nib.load(os.path.join(out, "time.nii.gz")).affine, series[..., 0])


def linear_field(affine, shape):
    """A field that linear interpolation keeps; the probes then hold between voxels too."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    world = nib.affines.apply_affine(RAS_TO_LPS @ affine, index)
    centred = world - world.reshape(-1, 3).mean(axis=0)
    return centred @ np.array([6.0, -4.0, 5.0]) + 30


# Sheared axes: hardly, by 3 degrees in the plane of x and z, and generally.
for name, shear in (("shear_tiny", 0.0005), ("shear_tilt", np.tan(np.radians(12))), ("shear_general", None)):
    affine = np.diag([1.0, 1.0, 1.5, 1.0]) if name != "shear_general" else oblique(9, (1, 1, 1.5))
    matrix = np.eye(3)
    if shear is None:
        matrix[0, 1], matrix[1, 2], matrix[0, 2] = 0.06, -0.04, 0.05
    else:
        matrix[1, 2] = shear
    affine[:3, :3] = affine[:3, :3] @ matrix
    affine[:3, 3] = (12, -34, 56)
    values = linear_field(affine, (20, 24, 16))
    made = nib.Nifti1Image(values.astype(np.float32), affine)
    made.set_sform(affine, 1)
    made.set_qform(None, 0)
    save(name + ".nii.gz", made, interior=True)

# Bad input.
bad = os.path.join(out, "bad")
os.makedirs(bad)


def bad_image(name, values, affine=base):
    nib.save(image(values, affine), os.path.join(bad, name))


bad_image("flat.nii.gz", noise((20, 20)), np.eye(4))
bad_image("one_slice.nii.gz", noise((20, 20, 1)))
bad_image("air.nii.gz", np.full((6, 7, 8), -1000, np.int16))
values = noise((6, 7, 8)).astype(np.float32)
values[1, 2, 3], values[2, 2, 2] = np.nan, np.inf
bad_image("nan.nii.gz", values)
bad_image("mr.nii.gz", np.pad(rng.integers(0, 400, (6, 7, 8)).astype(np.int16), 3))
rgb = np.zeros((6, 7, 8), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
bad_image("rgb.nii.gz", rgb)
bad_image("complex.nii.gz", noise((6, 7, 8)).astype(np.complex64))
bad_image("vector.nii.gz", noise((6, 7, 8, 1, 3)))
for name, spacing in (("zero_spacing", 0.0), ("negative_spacing", -1.5), ("nan_spacing", np.nan)):
    bad_image("source.nii", noise((6, 7, 8)))
    data = bytearray(open(os.path.join(bad, "source.nii"), "rb").read())
    data[84:88] = struct.pack("<f", spacing)
    open(os.path.join(bad, name + ".nii"), "wb").write(data)
whole = open(os.path.join(bad, "source.nii"), "rb").read()
os.remove(os.path.join(bad, "source.nii"))
open(os.path.join(bad, "truncated.nii"), "wb").write(whole[:-50])
open(os.path.join(bad, "header_only.nii"), "wb").write(whole[:200])
data = bytearray(whole)
data[42:48] = struct.pack("<3h", 32000, 32000, 32000)
open(os.path.join(bad, "huge.nii"), "wb").write(data)
data[42:48] = struct.pack("<3h", -5, 7, 8)
open(os.path.join(bad, "negative_size.nii"), "wb").write(data)
flat = bytearray(whole)
flat[280:328] = struct.pack("<12f", 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0)
flat[252:254] = struct.pack("<h", 0)
open(os.path.join(out, "broken_sform.nii"), "wb").write(flat)
gz = open(os.path.join(out, "order00.nii.gz"), "rb").read()
open(os.path.join(bad, "truncated.nii.gz"), "wb").write(gz[: len(gz) // 2])
open(os.path.join(bad, "no_checksum.nii.gz"), "wb").write(gz[:-6])
damaged = bytearray(gz)
damaged[len(gz) // 2] ^= 0xFF
open(os.path.join(bad, "damaged.nii.gz"), "wb").write(damaged)
open(os.path.join(bad, "empty.nii.gz"), "wb")
open(os.path.join(bad, "text.nii.gz"), "w").write("this is not an image\n" * 40)
open(os.path.join(bad, "picture.png"), "wb").write(b"\x89PNG\r\n\x1a\n" + bytes(600))

# Without its intercept: 0 is air, 1064 soft tissue.
stored = np.zeros((12, 12, 12), np.uint16)
stored[3:9, 3:9, 3:9] = rng.integers(1040, 1090, (6, 6, 6))
made = image(stored, base)
save("no_intercept.nii.gz", made, stored.astype(float) - 1024)
# Padding outside a round field of view.
padded = noise((12, 12, 12))
padded[0] = -2048
save("padding.nii.gz", image(padded, base), np.maximum(padded, -1024))

# Labels.
labels = rng.integers(0, 118, (6, 7, 8)).astype(np.uint8)
save("labels.nii.gz", image(labels, base))
save("labels_float.nii.gz", image(labels.astype(np.float32), base))
xml = ('<?xml version="1.0" encoding="UTF-8"?> <CaretExtension><VolumeInformation Index="0"><LabelTable>\n'
       '<Label Key="5" Red="1.0" Green="0.0" Blue="0.0" Alpha="1"><![CDATA[liver]]></Label>\n'
       '<Label Key="52" Red="1.0" Green="0.0" Blue="0.0" Alpha="1">aorta &amp; arch</Label>\n'
       '</LabelTable></VolumeInformation></CaretExtension>\n   ')
made = image(labels, base)
made.header.extensions.append(nib.nifti1.Nifti1Extension(0, xml.encode()))
nib.save(made, os.path.join(out, "labels_named.nii.gz"))
bad_image("labels_fraction.nii.gz", (labels + 0.5).astype(np.float32))
bad_image("labels_many.nii.gz", labels.astype(np.int16) * 10)
