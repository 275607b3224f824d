// ONNX Runtime's build for WebGPU: a script of its own, which only a browser with a graphics card loads.
export * from "onnxruntime-web/webgpu";
