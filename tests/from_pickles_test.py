"""examples/apps/from_pickles.py from end to end."""

import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import scipy.sparse as sp

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "apps" / "from_pickles.py"


class Malicious:
    """Makes a folder while it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


class Conversion(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.output = self.folder / "out"

    def convert(self, matrices, *more):
        return subprocess.run([sys.executable, str(SCRIPT), "--matrices", str(matrices),
                               "--output", str(self.output), *map(str, more)], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def written(self, name):
        return sp.load_npz(self.output / f"{name}.npz")


class MadeUp(Conversion):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(1)
        self.matrices = {}
        for source, target in (("trn", "train"), ("val", "valid"), ("tst", "test")):
            matrix = sp.coo_matrix((random.random((7, 5)) < 0.4).astype(np.float64))
            self.matrices[target] = matrix
            self.dump(f"{source}_mat.pkl", matrix)

    def dump(self, name, value, protocol=pickle.DEFAULT_PROTOCOL):
        with open(self.folder / name, "wb") as file:
            pickle.dump(value, file, protocol=protocol)

    def run_script(self, *more):
        return self.convert(self.folder, *more)

    def refusal(self, *more):
        result = self.run_script(*more)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertFalse(self.output.exists())
        return result.stderr

    def test_matrices_in_all_forms(self):
        for form in ("coo", "csr", "csc"):
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
                self.dump("trn_mat.pkl", self.matrices["train"].asformat(form), protocol)
                result = self.run_script()
                self.assertEqual(result.returncode, 0, result.stderr)
                for target, matrix in self.matrices.items():
                    self.assertEqual(self.written(target).dtype, np.float32)
                    self.assertEqual(abs(self.written(target) - matrix).sum(), 0)
        self.assertEqual(len(list(self.output.iterdir())), 3)

    def test_embeddings(self):
        embeddings = np.arange(15, dtype=np.float64).reshape(5, 3)
        np.save(self.folder / "e.npy", embeddings)
        self.dump("array.pkl", np.asfortranarray(embeddings))
        self.dump("list.pkl", embeddings.tolist())
        for name in ("e.npy", "array.pkl", "list.pkl"):
            result = self.run_script("--embeddings", self.folder / name)
            self.assertEqual(result.returncode, 0, result.stderr)
            written = np.load(self.output / "embeddings.npy")
            self.assertEqual(written.dtype, np.float32)
            self.assertTrue(written.flags["C_CONTIGUOUS"])
            self.assertTrue((written == embeddings).all())
            self.assertEqual(self.encoder(), {"encoder": name, "dimensions": 3})
            self.assertEqual(len(list(self.output.iterdir())), 5)
        self.run_script("--embeddings", self.folder / "e.npy", "--encoder", "BERT")
        self.assertEqual(self.encoder(), {"encoder": "BERT", "dimensions": 3})

    def encoder(self):
        return json.loads((self.output / "embeddings.json").read_text())

    def test_code_is_not_run(self):
        self.dump("val_mat.pkl", Malicious(self.folder / "made"))
        self.assertIn("which is not data", self.refusal())
        self.dump("e.pkl", [Malicious(self.folder / "made")])
        self.assertIn("which is not data", self.refusal("--embeddings", self.folder / "e.pkl"))
        self.assertFalse((self.folder / "made").exists())

    def test_indices_are_not_believed(self):
        outside = self.matrices["train"].copy()
        outside.row = np.full_like(outside.row, 10**6)
        self.dump("trn_mat.pkl", outside)
        self.assertIn("row index exceeds", self.refusal())
        shorter = self.matrices["train"].copy()
        shorter.row = shorter.row[1:]
        self.dump("trn_mat.pkl", shorter)
        self.assertIn("same length", self.refusal())
        outside = self.matrices["train"].tocsr()
        outside.indices = outside.indices + 10**6
        self.dump("trn_mat.pkl", outside)
        self.assertIn("index values must be < 5", self.refusal())

    def test_what_is_not_data(self):
        self.dump("val_mat.pkl", [1, 2])
        self.assertIn("holds a list, not a sparse matrix", self.refusal())
        objects = self.matrices["valid"].copy()
        objects.data = objects.data.astype(object)
        self.dump("val_mat.pkl", objects)
        self.assertIn("holds object, not numbers", self.refusal())
        for half in (b"", b"\x80\x04", (self.folder / "trn_mat.pkl").read_bytes()[:200]):
            (self.folder / "val_mat.pkl").write_bytes(half)
            self.assertIn("val_mat.pkl", self.refusal())
        (self.folder / "val_mat.pkl").unlink()
        self.assertIn("No such file", self.refusal())

    def test_what_does_not_fit(self):
        self.dump("tst_mat.pkl", sp.coo_matrix((7, 6)))
        self.assertIn("tst_mat.pkl: is (7, 6), but trn_mat.pkl is (7, 5)", self.refusal())
        self.dump("tst_mat.pkl", sp.coo_matrix((7, 5)))
        for values, message in ((np.zeros((4, 2)), "has 4 rows, but trn_mat.pkl has 5 items"),
                                (np.full((5, 2), np.nan), "not finite"),
                                (np.full((5, 2), 1e300), "not finite"),
                                (np.zeros((5, 2), complex), "found complex128"),
                                (np.zeros(5), "of shape (5,)"),
                                ([[1, 2], [3]], "e.pkl"), ({"a": 1}, "found object")):
            self.dump("e.pkl", values)
            self.assertIn(message, self.refusal("--embeddings", self.folder / "e.pkl"))
        self.assertIn("No such file", self.refusal("--embeddings", self.folder / "none.npy"))

    def test_unwritable_output(self):
        self.output.write_text("a file")
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn("out: ", result.stderr)


    def test_interrupted(self):
        (self.folder / "val_mat.pkl").unlink()
        os.mkfifo(self.folder / "val_mat.pkl")
        process = subprocess.Popen([sys.executable, str(SCRIPT), "--matrices", str(self.folder),
                                    "--output", str(self.output)], stderr=subprocess.PIPE, text=True)
        with open(self.folder / "val_mat.pkl", "wb"):  # waits until the script has opened it, too
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.communicate()[1], "from_pickles: interrupted\n")
        self.assertEqual(process.returncode, 130)
        self.assertFalse(self.output.exists())


class Published(Conversion):
    """The authors' splits themselves."""

    def test_equal_those_in_npz(self):
        name = "data/games-llm-profiles"
        outside = os.environ.get("LAE_TEST_DATA")
        if not outside or not (pathlib.Path(outside) / name / "trn_mat.pkl").exists():
            print(f"skipped: no {name}/trn_mat.pkl (LAE_TEST_DATA may name a folder that holds it)")
            self.skipTest("no data")
        folder = pathlib.Path(outside) / name
        result = self.convert(folder, "--embeddings", folder / "embeddings.npy")
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in ("train", "valid", "test"):
            expected = sp.load_npz(folder / f"{name}.npz")
            self.assertEqual(self.written(name).shape, expected.shape)
            self.assertEqual((self.written(name) != expected).nnz, 0)
            self.assertEqual(self.written(name).nnz, expected.nnz)
        self.assertTrue((np.load(self.output / "embeddings.npy") ==
                         np.load(folder / "embeddings.npy")).all())


if __name__ == "__main__":
    unittest.main()
