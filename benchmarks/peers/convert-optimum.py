"""Exports a checkpoint with Optimum: convert-optimum.py CHECKPOINT OUT. Run by benchmarks/convert-full-size.ts."""
import sys
from optimum.exporters.onnx import main_export

main_export(sys.argv[1], output=sys.argv[2], task="feature-extraction", do_validation=True)
