"""examples/from_pickles.py from end to end."""

import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import scipy.sparse as sp

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "from_pickles.py"


class Malicious:
    def __reduce__(self):
        return os.system, ("true",)


class FromPickles(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.output = self.folder / "out"
        random = np.random.default_rng(1)
        self.matrices = {}
        for source, target in (("trn", "train"), ("val", "valid"), ("tst", "test")):
            matrix = sp.coo_matrix((random.random((7, 5)) < 0.4).astype(np.float64))
            self.matrices[target] = matrix
            self.dump(f"{source}_mat.pkl", matrix)

    def dump(self, name, value):
        with open(self.folder / name, "wb") as file:
            pickle.dump(value, file)

    def run_script(self, *more):
        return subprocess.run([sys.executable, str(SCRIPT), "--matrices", str(self.folder),
                               "--output", str(self.output), *map(str, more)], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def refusal(self, *more):
        result = self.run_script(*more)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertFalse(self.output.exists())
        return result.stderr

    def test_matrices_and_embeddings(self):
        embeddings = np.arange(15, dtype=np.float64).reshape(5, 3)
        np.save(self.folder / "e.npy", embeddings)
        self.dump("array.pkl", np.asfortranarray(embeddings))
        self.dump("list.pkl", embeddings.tolist())
        for name in ("e.npy", "array.pkl", "list.pkl"):
            result = self.run_script("--embeddings", self.folder / name)
            self.assertEqual(result.returncode, 0, result.stderr)
            for target, matrix in self.matrices.items():
                written = sp.load_npz(self.output / f"{target}.npz")
                self.assertEqual(written.dtype, np.float32)
                self.assertEqual(abs(written - matrix).sum(), 0)
            written = np.load(self.output / "embeddings.npy")
            self.assertEqual(written.dtype, np.float32)
            self.assertTrue(written.flags["C_CONTIGUOUS"])
            self.assertTrue((written == embeddings).all())
            self.assertEqual(len(list(self.output.iterdir())), 4)

    def test_what_is_not_data(self):
        self.dump("val_mat.pkl", Malicious())
        self.assertIn("which is not data", self.refusal())
        self.dump("val_mat.pkl", [1, 2])
        self.assertIn("holds a list, not a sparse matrix", self.refusal())
        (self.folder / "val_mat.pkl").write_bytes(b"\x80\x04")
        self.assertIn("val_mat.pkl", self.refusal())
        (self.folder / "val_mat.pkl").unlink()
        self.assertIn("No such file", self.refusal())

    def test_what_does_not_fit(self):
        self.dump("tst_mat.pkl", sp.coo_matrix((7, 6)))
        self.assertIn("(7, 6), but train.npz is (7, 5)", self.refusal())
        self.dump("tst_mat.pkl", sp.coo_matrix((7, 5)))
        self.dump("e.pkl", np.zeros((4, 2)))
        self.assertIn("has 4 rows, but train.npz has 5 items", self.refusal("--embeddings", self.folder / "e.pkl"))
        self.dump("e.pkl", np.full((5, 2), np.nan))
        self.assertIn("finite", self.refusal("--embeddings", self.folder / "e.pkl"))


if __name__ == "__main__":
    unittest.main()
