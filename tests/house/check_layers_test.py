"""Plants one violation of every kind in a made-up tree and sees that scripts/check_layers.py finds it."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_layers.py"


class CheckLayersTest(unittest.TestCase):
    def run_check(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            result = subprocess.run([sys.executable, SCRIPT, "--root", root], capture_output=True, text=True)
            return result.returncode, result.stdout

    def assert_refused(self, name, line, expected):
        code, output = self.run_check({name: "\n" + line + "\n"})
        self.assertEqual(code, 1, f"{name} with {line} was accepted")
        self.assertIn(f"{name}:2: ", output)
        self.assertIn(expected, output)

    def assert_accepted(self, name, line):
        code, output = self.run_check({name: line + "\n"})
        self.assertEqual(code, 0, output)

    def test_modules_below_are_welcome(self):
        self.assert_accepted("src/raster/blend.cpp", '#include "renderfm/gaussian/layout.h"')
        self.assert_accepted("include/renderfm/medium/medium.h", '#include "renderfm/volume/volume.h"')
        self.assert_accepted("src/math/vec.cpp", '#include "renderfm/math/vec.h"')
        self.assert_accepted("tools/renderfm_infer.cpp", '#include "renderfm/model/predictor.h"')
        self.assert_accepted("cuda/raster/blend.cu", '#include "renderfm/raster/raster_params.h"')

    def test_a_module_above_is_refused(self):
        self.assert_refused("src/core/log.cpp", '#include "renderfm/math/vec.h"', "does not lie above 'math'")
        self.assert_refused("include/renderfm/raster/tiles.h", '#include "renderfm/model/scene.h"',
                            "does not lie above 'model'")
        self.assert_refused("src/volume/labels.cpp", '#  include  "renderfm/medium/medium.h"', "'medium'")

    def test_a_sibling_is_refused(self):
        self.assert_refused("src/view/orbit.cpp", '#include "renderfm/volume/volume.h"', "'volume'")
        self.assert_refused("src/nn/unet3d.cpp", '#include "renderfm/raster/tiles.h"', "'raster'")

    def test_a_private_header_of_another_module_is_refused(self):
        self.assert_refused("src/volume/labels.cpp", '#include "raster/cpu/bin_sort.h"', "'raster'")

    def test_an_unknown_module_is_refused(self):
        self.assert_refused("src/core/log.cpp", '#include "renderfm/cloud/upload.h"', "no module 'cloud'")

    def test_libraries_stay_behind_their_walls(self):
        self.assert_accepted("src/volume/io/nifti_reader.cpp", "#include <itkImage.h>")
        self.assert_accepted("src/volume/tissue_estimator_lung.cpp", "#include <itkImage.h>")
        self.assert_refused("src/volume/labels.cpp", "#include <itkImage.h>", "ITK is for")
        self.assert_refused("include/renderfm/volume/volume.h", "#include <itkImage.h>", "ITK is for")
        self.assert_refused("src/medium/medium.cpp", "#include <yaml-cpp/yaml.h>", "yaml-cpp is for")
        self.assert_refused("src/raster/rasterize.cpp", "#include <stb_image_write.h>", "stb is for")
        self.assert_refused("src/model/scene.cpp", "#include <CLI/App.hpp>", "CLI11 is for")

    def test_torch_stays_out_of_the_modules_without_it(self):
        self.assert_accepted("src/gaussian/ply_write.cpp", "#include <torch/types.h>")
        for name in ("src/core/log.cpp", "src/math/vec.cpp", "src/volume/labels.cpp", "src/view/orbit.cpp",
                     "src/medium/medium.cpp", "cuda/raster/blend.cu"):
            self.assert_refused(name, "#include <torch/types.h>", "does without LibTorch")
        self.assert_refused("include/renderfm/raster/raster_params.h", "#include <ATen/Tensor.h>", "without")

    def test_links_obey_the_same_order(self):
        self.assert_accepted("src/raster/CMakeLists.txt", "renderfm_module(raster PUBLIC renderfm::gaussian)")
        self.assert_refused("src/view/CMakeLists.txt", "renderfm_module(view PUBLIC renderfm::model)",
                            "links renderfm::model")
        self.assert_refused("src/medium/CMakeLists.txt", "renderfm_module(medium PUBLIC LibTorch::cpu)",
                            "does without")

    def test_headers_open_no_namespace(self):
        code, output = self.run_check({"include/renderfm/core/log.h": "using namespace std;\n"})
        self.assertEqual(code, 1)
        self.assertIn("using namespace", output)


if __name__ == "__main__":
    unittest.main()
