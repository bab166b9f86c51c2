"""Checks with nibabel what we wrote: check_nifti.py ORIGINAL.nii.gz CT LABELS."""
import sys

import nibabel as nib
import numpy as np

original, ct, labels = (nib.load(path) for path in sys.argv[1:])
for image in (ct, labels):
    assert image.header["sform_code"] == 1 and image.header["qform_code"] == 1
    assert image.header.get_xyzt_units()[0] == "mm"
    for affine in (image.get_sform(), image.get_qform()):
        assert np.abs(affine - original.affine).max() < 1e-4, affine - original.affine
assert ct.get_data_dtype() == np.int16 and labels.get_data_dtype() == np.uint8
assert np.array_equal(np.asanyarray(ct.dataobj), np.asanyarray(original.dataobj))
values = np.asanyarray(labels.dataobj)
assert values.flatten(order="F")[7] == 5 and values.flatten(order="F")[8] == 52 and values.sum() == 57
assert not ct.header.extensions
(extension,) = labels.header.extensions
assert extension.get_code() == 0
# As TotalSegmentator's readers do: an XML parser over the table.
import xml.etree.ElementTree as tree
table = tree.fromstring(extension.get_content().rstrip(b"\0").decode())
names = {int(label.get("Key")): label.text for label in table.iter("Label")}
assert names == {5: "liver", 52: "aorta & <arch>"}, names
