#!/usr/bin/env python3
"""Write the peers' models for bench-encoders: ONNX files of the same weights.

    export_onnx.py minilm MODEL_DIR WORK    minilm.onnx, minilm-int8.onnx
    export_onnx.py efficientnet MODEL_DIR WORK
    export_onnx.py vit WORK                 random weights, written there too
    export_onnx.py dinov2 WORK

Each is exported once; onnxruntime's own transformer optimizer fuses attention,
GELU and layer norms where it can, so that the peer is at its best.
"""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import torch  # noqa: E402


def export(model, inputs, path, names, dynamic):
    """Opset 17 by the older exporter, whose graphs the optimizer knows; the
    newer one where that fails."""
    model.eval()
    try:
        torch.onnx.export(model, inputs, path, input_names=names, output_names=["out"],
                          dynamic_axes=dynamic, opset_version=17, dynamo=False)
    except Exception as why:
        print(f"# {os.path.basename(path)}: older exporter failed ({type(why).__name__}: {why})", file=sys.stderr)
        axes = {n: {i: torch.export.Dim.AUTO for i in dynamic[n]} for n in names}
        torch.onnx.export(model, inputs, path, input_names=names, output_names=["out"],
                          dynamic_shapes=tuple(axes[n] for n in names), dynamo=True)


def fuse(path, kind, heads, hidden):
    from onnxruntime.transformers import optimizer
    m = optimizer.optimize_model(path, model_type=kind, num_heads=heads, hidden_size=hidden,
                                 opt_level=1, use_gpu=False)
    print("# fused:", {k: v for k, v in m.get_fused_operator_statistics().items() if v}, file=sys.stderr)
    m.save_model_to_file(path.replace(".onnx", "-fused.onnx"))


def minilm(model, work):
    from transformers import AutoModel

    class Sentence(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = AutoModel.from_pretrained(model, attn_implementation="eager")

        def forward(self, input_ids, attention_mask):
            h = self.net(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            m = attention_mask.unsqueeze(-1).to(h.dtype)
            return torch.nn.functional.normalize((h * m).sum(1) / m.sum(1))

    ids = torch.ones(2, 8, dtype=torch.long)
    axes = {0: "batch", 1: "tokens"}
    path = f"{work}/minilm.onnx"
    net = Sentence()
    export(net, (ids, torch.ones_like(ids)), path, ["input_ids", "attention_mask"],
           {"input_ids": axes, "attention_mask": axes, "out": {0: "batch"}})
    fuse(path, "bert", 12, 384)
    from onnxruntime.quantization import QuantType, quantize_dynamic
    for name in "minilm", "minilm-fused":
        quantize_dynamic(f"{work}/{name}.onnx", f"{work}/{name}-int8.onnx", weight_type=QuantType.QInt8,
                         extra_options={"DefaultTensorType": 1})  # float32


def efficientnet(model, work):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../../tools")
    import timm
    net = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    px = torch.zeros(2, 3, 224, 224)
    export(net, (px,), f"{work}/efficientnet.onnx", ["px"], {"px": {0: "batch"}, "out": {0: "batch"}})


def vit(work):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
    torch.manual_seed(1)
    net = CLIPVisionModelWithProjection(CLIPVisionConfig(patch_size=32, attn_implementation="eager"))
    net.save_pretrained(f"{work}/vit")

    class Image(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, px):
            return self.net(pixel_values=px).image_embeds

    px = torch.zeros(2, 3, 224, 224)
    export(Image(), (px,), f"{work}/vit.onnx", ["px"], {"px": {0: "batch"}, "out": {0: "batch"}})
    fuse(f"{work}/vit.onnx", "vit", 12, 768)


def dinov2(work):
    from transformers import Dinov2Config, Dinov2Model
    torch.manual_seed(1)
    net = Dinov2Model(Dinov2Config(hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14,
                                   attn_implementation="eager"))
    net.save_pretrained(f"{work}/dinov2")

    class Image(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, px):
            return self.net(pixel_values=px).pooler_output

    px = torch.zeros(2, 3, 224, 224)
    export(Image(), (px,), f"{work}/dinov2.onnx", ["px"], {"px": {0: "batch"}, "out": {0: "batch"}})
    fuse(f"{work}/dinov2.onnx", "vit", 6, 384)


if __name__ == "__main__":
    {"minilm": minilm, "efficientnet": efficientnet, "vit": vit, "dinov2": dinov2}[sys.argv[1]](*sys.argv[2:])
