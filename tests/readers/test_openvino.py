"""OpenVINO models written by the specification; ``benchmarks/formats.py`` compares with OpenVINO's own numbers."""

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers import checkpoint

RNG = np.random.default_rng(4)


def write(folder, constants, nodes=(), name="m"):
    """Constants ``(name, kind, shape, bytes)``, then nodes ``(kind, inputs)``; ids count both in order."""
    layers, edges, content = [], [], b""
    for at, (called, kind, shape, numbers) in enumerate(constants):
        place = f'offset="{len(content)}" size="{len(numbers)}"'
        data = f'<data element_type="{kind}" shape="{", ".join(map(str, shape))}" {place}/>'
        layers.append(f'<layer id="{at}" name="{called}" type="Const">{data}</layer>')
        content += numbers
    for at, (kind, inputs) in enumerate(nodes, len(constants)):
        layers.append(f'<layer id="{at}" name="{kind}{at}" type="{kind}"/>')
        edges += [
            f'<edge from-layer="{one}" from-port="9" to-layer="{at}" to-port="{port}"/>'
            for port, one in enumerate(inputs)
        ]
    graph = f'<?xml version="1.0"?><net name="m" version="11"><layers>{"".join(layers)}</layers>'
    (folder / f"{name}.xml").write_text(f"{graph}<edges>{''.join(edges)}</edges></net>")
    (folder / f"{name}.bin").write_bytes(content)
    return folder / f"{name}.xml"


def read(path):
    files = {path.name: path} | checkpoint.beside("openvino", path)
    return checkpoint.read("openvino", files)


def grouped(folder):
    """Two rows of two groups of four 4-bit codes, with a zero point and a float16 scale for each."""
    codes = RNG.integers(0, 16, (2, 2, 4)).astype(np.uint8)
    zeros = RNG.integers(0, 16, (2, 2, 1)).astype(np.uint8)
    scales = RNG.uniform(0.5, 2, (2, 2, 1)).astype(np.float16)

    def halves(numbers):
        flat = numbers.reshape(-1)
        return (flat[0::2] | flat[1::2] << 4).tobytes()

    path = write(
        folder,
        [
            ("self.l.weight", "u4", (2, 2, 4), halves(codes)),
            ("zero", "u4", (2, 2, 1), halves(zeros)),
            ("scale", "f16", (2, 2, 1), scales.tobytes()),
            ("shape", "i64", (2,), np.array([2, 8], "<i8").tobytes()),
        ],
        [("Convert", [0]), ("Convert", [1]), ("Subtract", [4, 5]), ("Multiply", [6, 2]), ("Reshape", [7, 3])],
    )
    return path, ((codes.astype(np.float32) - zeros) * scales.astype(np.float32)).reshape(2, 8)


def test_groups_of_codes_are_the_numbers_in_use(tmp_path):
    path, expected = grouped(tmp_path)
    found = read(path)
    stored = found.tensors["l.weight"]
    np.testing.assert_array_equal(stored.values.whole(), expected)
    assert (stored.shape, stored.packing.bits, stored.packing.group_size, stored.num_bytes) == ((2, 8), 4, 4, 8 + 2 + 8)
    assert set(found.tensors) == {"l.weight", "shape"}
    np.testing.assert_array_equal(stored.values.numbers(3, 11), expected.reshape(-1)[3:11])


def test_a_scale_that_is_scaled_itself(tmp_path):
    """As NVFP4 has it: float4 codes, a float8 scale for each group, a float32 for the whole."""
    path = write(
        tmp_path,
        [
            ("w", "f4e2m1", (1, 2, 2), bytes([0x21, 0xF7])),
            ("s", "f8e4m3", (1, 2, 1), bytes([0x38, 0x40])),
            ("t", "f32", (1, 1, 1), np.float32(0.5).tobytes()),
        ],
        [("Multiply", [1, 2]), ("Multiply", [0, 3])],
    )
    found = read(path).tensors
    assert list(found) == ["w"]  # e2m1: 1 → 0.5, 2 → 1, 7 → 6, 15 → −6; e4m3: 0x38 → 1, 0x40 → 2
    np.testing.assert_array_equal(found["w"].values.whole().reshape(-1), [0.25, 0.5, 6, -6])


def test_plain_constants_and_their_names(tmp_path):
    weight = RNG.normal(size=(3, 2)).astype(np.float16)
    path = write(
        tmp_path, [("__module.fc.weight_compressed", "f16", (3, 2), weight.tobytes()), ("u", "u2", (4,), b"1")]
    )
    found = read(path).tensors
    np.testing.assert_array_equal(found["fc.weight"].values.whole(), weight)
    assert found["u"].values is None and found["u"].unread == "OpenVINO as 'u2'"


def test_codes_without_scales_have_no_numbers_beside_floats(tmp_path):
    path = write(tmp_path, [("fc.weight", "i8", (2, 2), bytes(range(4)))])
    with cc.open(tmp_path / "p") as project:
        project.log_model("a", checkpoint={"fc.weight": np.ones((2, 2), np.float32)})
        project.log_model("b", base="a", operation=cc.Operation("export"), checkpoint=path)
        rows = project.layers("a", ["b"], "weights").table.to_pylist()
    assert [(row["alignment"], row["relative_error"]) for row in rows if row["parameter"]] == [("unread", None)]


def refusal(path):
    with pytest.raises(InvalidValue) as caught:
        read(path)
    assert len(str(caught.value)) < 600
    return caught.value.code


def test_a_model_cut_anywhere_is_refused(tmp_path):
    path, _ = grouped(tmp_path)
    text, numbers = path.read_text(), path.with_suffix(".bin").read_bytes()
    for end in range(0, len(text) - 1, 23):
        path.write_text(text[:end])
        assert refusal(path) in ("model.not_openvino", "model.empty_file", "model.not_a_model", "model.truncated")
    path.write_text(text)
    for end in range(len(numbers)):
        path.with_suffix(".bin").write_bytes(numbers[:end])
        assert refusal(path) in ("model.truncated", "model.empty_file")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            '<?xml version=\'1.0\'?><!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><net>&b;</net>',
            "model.not_openvino",
        ),
        ("<html><body>not found</body></html>", "model.not_a_model"),
        ("<?xml version='1.0'?>" + "<net>" * 70 + "</net>" * 70, "model.not_openvino"),
        ("<?xml version='1.0'?><other/>", "model.not_openvino"),
        (
            "<?xml version='1.0'?><net><edges><edge from-layer='1' to-layer='2' to-port='0'/></edges></net>",
            "model.not_openvino",
        ),
        ("<?xml version='1.0'?><net><layers></layers></net>", "model.no_tensors"),
    ],
)
def test_hostile_graphs_are_refused_in_a_sentence(tmp_path, text, code):
    (tmp_path / "m.xml").write_text(text)
    (tmp_path / "m.bin").write_bytes(b"1234")
    assert refusal(tmp_path / "m.xml") == code


@pytest.mark.parametrize(
    ("kind", "shape", "place", "code"),
    [
        ("f32", "4611686018427387904, 4611686018427387904", 'offset="0" size="4"', "model.bad_shape"),
        ("f32", "2", 'offset="0" size="4"', "model.bad_shape"),
        ("f32", "-1", 'offset="0" size="4"', "model.bad_shape"),
        ("f32", "1", 'offset="9" size="4"', "model.truncated"),
        ("f32", "1", 'offset="-4" size="4"', "model.bad_shape"),
        ("f32", "a", 'offset="0" size="4"', "model.bad_shape"),
        ("f32", "1", "", "model.bad_shape"),
        ("f32", ",".join(["1"] * 40), 'offset="0" size="4"', "model.bad_shape"),
    ],
)
def test_shapes_and_places_that_do_not_fit(tmp_path, kind, shape, place, code):
    data = f'<data element_type="{kind}" shape="{shape}" {place}/>'
    (tmp_path / "m.xml").write_text(f'<net><layers><layer id="0" name="w" type="Const">{data}</layer></layers></net>')
    (tmp_path / "m.bin").write_bytes(b"1234")
    assert refusal(tmp_path / "m.xml") == code


def test_numbers_that_are_missing_or_lie_elsewhere(tmp_path):
    path, _ = grouped(tmp_path)
    numbers = path.with_suffix(".bin")
    (tmp_path / "inside").mkdir()
    moved = path.rename(tmp_path / "inside" / "m.xml")
    assert refusal(moved) == "model.external_data_missing"
    moved.with_suffix(".bin").symlink_to(numbers)
    assert refusal(moved) == "path.outside_folder"


def test_a_folder_of_optimum_is_the_model_in_it(tmp_path):
    _, expected = grouped(tmp_path)
    for end in (".xml", ".bin"):
        (tmp_path / f"m{end}").rename(tmp_path / f"openvino_model{end}")
    with cc.open(tmp_path / "p") as project:
        project.log_model("a", checkpoint={"l.weight": expected})
        project.log_model("b", base="a", operation=cc.Operation("export"), checkpoint=tmp_path)
        rows = project.layers("a", ["b"], "weights").table.to_pylist()
    assert [row["relative_error"] for row in rows if row["parameter"] == "weight"] == [0]
