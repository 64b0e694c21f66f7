"""What ships: enhancers and baselines, their files, and running them. torch only, or onnxruntime alone.

model.py          what every model is and returns
closed_form.py    the regression and the metric, solved in a few trained numbers
gate.py           how much of the correction a row gets
enhancer.py       closed form, gate and network combined; layers.py holds the small layers
residual.py, pose_transformer.py    the two networks
baselines/        what an enhancer has to beat
registry.py       all models by name
training_rows.py  what closed form, gate and baselines are fitted on
header.py         what a file says about its model
saving.py         safetensors, checkpoints, and opening a MODEL
inference.py      running a model over arrays
onnx_export.py, onnx_run.py    to ONNX, and running it without torch
api.py            what ``poseid.load`` returns
"""
