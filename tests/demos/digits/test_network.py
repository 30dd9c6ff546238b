import torch

from compress_compare.demos.digits.network import DigitsNet
from compress_compare.evaluation.compute import macs
from compress_compare.evaluation.sparsity import parameters


def test_parameters_and_products_by_hand():
    # Convolutions 8·1·9, 16·8·9 and 16·16·9, norms 2·(8 + 16 + 16), classifier 64·10 + 10.
    assert parameters(DigitsNet()).value == 72 + 1152 + 2304 + 80 + 650
    assert macs(DigitsNet(), torch.zeros(1, 1, 8, 8)).value == 64 * (72 + 1152) + 16 * 2304 + 640
