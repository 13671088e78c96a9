//! What helps where an operator cannot be compiled.

/// What to try instead of an unsupported operator.
pub(super) fn hint(op: &str) -> &'static str {
    match op {
        "LSTM" | "GRU" | "RNN" | "Loop" | "Scan" => "only feed-forward networks can be compiled",
        "QLinearConv" | "QLinearMatMul" | "QLinearAdd" | "QLinearGlobalAveragePool" => {
            "export quantization as QuantizeLinear and DequantizeLinear pairs (QDQ), or the float model"
        }
        "ConvInteger" | "MatMulInteger" | "DynamicQuantizeLinear" => {
            "quantize statically (QDQ) instead of dynamically, or export the float model"
        }
        "ConvTranspose" | "Resize" | "Upsample" => "only networks that reduce resolution can be compiled",
        "LRN"
        | "InstanceNormalization"
        | "LayerNormalization"
        | "GroupNormalization"
        | "RMSNormalization"
        | "LpNormalization"
        | "MeanVarianceNormalization"
        | "ReduceL2" => {
            "it divides by what it computes of the image; retrain with BatchNormalization instead"
        }
        "Attention" | "MultiHeadAttention" => {
            "products of computed values cannot be compiled; use a convolutional network"
        }
        _ => "replace the layer and retrain, or compile the model up to there (--model-output)",
    }
}
