# Written by tools/write_signatures.py from the catalogue.
from collections.abc import Mapping
from typing import Any, Literal, overload

from deltarule._activation_kinds import Activation, ElementwiseActivation, RowwiseActivation
from deltarule._catalogue import Catalogue
from deltarule._composite import CompositeLoss
from deltarule._custom import CustomActivation, CustomLoss
from deltarule._losses import Loss
from deltarule._stochastic import GumbelSoftmax, RandomizedRelu

Profile = Literal[
    "torch",
    "keras",
    "jax",
    "flax",
    "optax",
    "tf",
    "onnx",
    "sklearn",
    "scipy",
    "nnlib",
    "flux",
    "mlx",
    "lossfunctions",
    "hf",
    "timm",
    "tfa",
    "torchvision",
    "mlpack",
]

class ActivationCatalogue(Catalogue[Activation]):
    sigmoid: ElementwiseActivation
    logistic: ElementwiseActivation
    expit: ElementwiseActivation
    sigma: ElementwiseActivation
    log_sigmoid: ElementwiseActivation
    log_expit: ElementwiseActivation
    logsigmoid: ElementwiseActivation
    tanh: ElementwiseActivation
    scaled_tanh: ElementwiseActivation
    lecun_tanh: ElementwiseActivation
    stanh: ElementwiseActivation
    bipolar_sigmoid: ElementwiseActivation
    erf: ElementwiseActivation
    laplace: ElementwiseActivation
    identity: ElementwiseActivation
    linear: ElementwiseActivation
    affine: ElementwiseActivation
    relu: ElementwiseActivation
    leaky_relu: ElementwiseActivation
    leakyrelu: ElementwiseActivation
    lrelu: ElementwiseActivation
    prelu: ElementwiseActivation
    rrelu: RandomizedRelu
    capped_relu: ElementwiseActivation
    thresholded_relu: ElementwiseActivation
    trelu: ElementwiseActivation
    threshold: ElementwiseActivation
    relu2: ElementwiseActivation
    squared_relu: ElementwiseActivation
    relu6: ElementwiseActivation
    hard_sigmoid: ElementwiseActivation
    hardsigmoid: ElementwiseActivation
    hard_tanh: ElementwiseActivation
    hardtanh: ElementwiseActivation
    clip: ElementwiseActivation
    hard_swish: ElementwiseActivation
    hard_silu: ElementwiseActivation
    hardswish: ElementwiseActivation
    hard_mish: ElementwiseActivation
    sparse_plus: ElementwiseActivation
    sparse_sigmoid: ElementwiseActivation
    step: ElementwiseActivation
    heaviside: ElementwiseActivation
    binary_step: ElementwiseActivation
    sign: ElementwiseActivation
    hard_shrink: ElementwiseActivation
    hardshrink: ElementwiseActivation
    soft_shrink: ElementwiseActivation
    softshrink: ElementwiseActivation
    shrink: ElementwiseActivation
    elu: ElementwiseActivation
    celu: ElementwiseActivation
    selu: ElementwiseActivation
    xielu: ElementwiseActivation
    exponential: ElementwiseActivation
    exp: ElementwiseActivation
    gaussian: ElementwiseActivation
    poisson1: ElementwiseActivation
    hyper_sinh: ElementwiseActivation
    softplus: ElementwiseActivation
    smooth_relu: ElementwiseActivation
    log1pexp: ElementwiseActivation
    shifted_softplus: ElementwiseActivation
    sqrt_softplus: ElementwiseActivation
    log_cosh: ElementwiseActivation
    logcosh: ElementwiseActivation
    lisht: ElementwiseActivation
    tanh_shrink: ElementwiseActivation
    tanhshrink: ElementwiseActivation
    gelu: ElementwiseActivation
    gelu_erf: ElementwiseActivation
    gelu_exact: ElementwiseActivation
    gelu_tanh: ElementwiseActivation
    gelu_new: ElementwiseActivation
    gelu_approx: ElementwiseActivation
    gelu_pytorch_tanh: ElementwiseActivation
    gelu_quick: ElementwiseActivation
    quick_gelu: ElementwiseActivation
    gelu_fast_approx: ElementwiseActivation
    gelu_clipped: ElementwiseActivation
    silu: ElementwiseActivation
    swish: ElementwiseActivation
    mish: ElementwiseActivation
    tanhexp: ElementwiseActivation
    telu: ElementwiseActivation
    elish: ElementwiseActivation
    ftswish: ElementwiseActivation
    flatten_t_swish: ElementwiseActivation
    softsign: ElementwiseActivation
    elliot: ElementwiseActivation
    soft_sign: ElementwiseActivation
    squareplus: ElementwiseActivation
    isru: ElementwiseActivation
    isrlu: ElementwiseActivation
    inverse_quadratic: ElementwiseActivation
    multiquadratic: ElementwiseActivation
    quadratic: ElementwiseActivation
    sqnl: ElementwiseActivation
    spline: ElementwiseActivation
    snake: ElementwiseActivation
    gcu: ElementwiseActivation
    softmax: RowwiseActivation
    gumbel_softmax: GumbelSoftmax
    log_softmax: RowwiseActivation
    softmax2d: RowwiseActivation
    softmin: RowwiseActivation
    sparsemax: RowwiseActivation
    hardmax: RowwiseActivation
    standardize: RowwiseActivation
    l2_normalize: RowwiseActivation
    logsumexp: RowwiseActivation
    logmeanexp: RowwiseActivation
    glu: RowwiseActivation
    swiglu: RowwiseActivation
    geglu: RowwiseActivation
    reglu: RowwiseActivation
    crelu: RowwiseActivation
    maxout: RowwiseActivation

class ActivationFactory:
    @overload
    def __call__(
        self,
        name: Literal["sigmoid", "logistic", "expit", "sigma"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["log_sigmoid", "log_expit", "logsigmoid"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["tanh"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["scaled_tanh", "lecun_tanh", "stanh"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 1.7159,
        beta: float = 0.6666666666666666,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["bipolar_sigmoid"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["erf"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["laplace"],
        /,
        *,
        profile: Profile | None = None,
        mu: float = 0.707107,
        sigma: float = 0.282095,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["identity", "linear"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["affine"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 1.0,
        beta: float = 0.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["relu"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["leaky_relu", "leakyrelu", "lrelu"],
        /,
        *,
        profile: Profile | None = None,
        negative_slope: float = 0.01,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["prelu"],
        /,
        *,
        profile: Profile | None = None,
        weight: float = 0.25,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["rrelu"],
        /,
        *,
        profile: Profile | None = None,
        lower: float = 0.125,
        upper: float = 0.3333333333333333,
    ) -> RandomizedRelu: ...
    @overload
    def __call__(
        self,
        name: Literal["capped_relu"],
        /,
        *,
        profile: Profile | None = None,
        negative_slope: float = 0.0,
        max_value: float = 6.0,
        threshold: float = 0.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["thresholded_relu", "trelu"],
        /,
        *,
        profile: Profile | None = None,
        theta: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["threshold"],
        /,
        *,
        profile: Profile | None = None,
        threshold: float = 0.0,
        value: float = 0.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["relu2", "squared_relu"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["relu6"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["hard_sigmoid", "hardsigmoid"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 0.16666666666666666,
        beta: float = 0.5,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["hard_tanh", "hardtanh", "clip"],
        /,
        *,
        profile: Profile | None = None,
        min_val: float = -1.0,
        max_val: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["hard_swish", "hard_silu", "hardswish"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["hard_mish"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["sparse_plus"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["sparse_sigmoid"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["step", "heaviside", "binary_step"],
        /,
        *,
        profile: Profile | None = None,
        threshold: float = 0.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["sign"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["hard_shrink", "hardshrink"],
        /,
        *,
        profile: Profile | None = None,
        lambd: float = 0.5,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["soft_shrink", "softshrink"],
        /,
        *,
        profile: Profile | None = None,
        lambd: float = 0.5,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["shrink"],
        /,
        *,
        profile: Profile | None = None,
        lambd: float = 0.5,
        bias: float = 0.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["elu"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["celu"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["selu"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 1.6732632423543772,
        scale: float = 1.0507009873554805,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["xielu"],
        /,
        *,
        profile: Profile | None = None,
        alpha_p: float = 0.8,
        alpha_n: float = 0.8,
        beta: float = 0.5,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["exponential", "exp"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["gaussian"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["poisson1"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["hyper_sinh"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["softplus", "smooth_relu", "log1pexp"],
        /,
        *,
        profile: Profile | None = None,
        beta: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["shifted_softplus"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["sqrt_softplus"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["log_cosh", "logcosh"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["lisht"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["tanh_shrink", "tanhshrink"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["gelu", "gelu_erf", "gelu_exact"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["gelu_tanh", "gelu_new", "gelu_approx", "gelu_pytorch_tanh"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["gelu_quick", "quick_gelu", "gelu_fast_approx"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["gelu_clipped"],
        /,
        *,
        profile: Profile | None = None,
        lo: float = -10.0,
        hi: float = 10.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["silu", "swish"],
        /,
        *,
        profile: Profile | None = None,
        beta: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["mish"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["tanhexp", "telu"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["elish"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["ftswish", "flatten_t_swish"],
        /,
        *,
        profile: Profile | None = None,
        t: float = -0.2,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["softsign", "elliot", "soft_sign"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["squareplus"],
        /,
        *,
        profile: Profile | None = None,
        b: float = 4.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["isru"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["isrlu"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["inverse_quadratic"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["multiquadratic"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["quadratic"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["sqnl"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["spline"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["snake"],
        /,
        *,
        profile: Profile | None = None,
        frequency: float = 1.0,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["gcu"],
        /,
        *,
        profile: Profile | None = None,
    ) -> ElementwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["softmax"],
        /,
        *,
        profile: Profile | None = None,
        temperature: float = 1.0,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["gumbel_softmax"],
        /,
        *,
        profile: Profile | None = None,
        tau: float = 1.0,
        hard: bool = False,
    ) -> GumbelSoftmax: ...
    @overload
    def __call__(
        self,
        name: Literal["log_softmax"],
        /,
        *,
        profile: Profile | None = None,
        temperature: float = 1.0,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["softmax2d"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["softmin"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["sparsemax"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["hardmax"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["standardize"],
        /,
        *,
        profile: Profile | None = None,
        eps: float = 1e-05,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["l2_normalize"],
        /,
        *,
        profile: Profile | None = None,
        p: float = 2.0,
        eps: float = 1e-12,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["logsumexp"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["logmeanexp"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["glu"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["swiglu"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 1.0,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["geglu"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["reglu"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["crelu"],
        /,
        *,
        profile: Profile | None = None,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(
        self,
        name: Literal["maxout"],
        /,
        *,
        profile: Profile | None = None,
        pieces: int = 2,
    ) -> RowwiseActivation: ...
    @overload
    def __call__(self, name: str, /, *, profile: Profile | None = None) -> Activation: ...
    @overload
    def __call__(
        self, name: Activation, /, *, profile: None = None, **parameters: Any
    ) -> Activation: ...
    def from_formula(
        self,
        formula: str,
        /,
        *,
        name: str | None = None,
        parameters: Mapping[str, float] | None = None,
    ) -> CustomActivation: ...

class LossCatalogue(Catalogue[Any]):
    squared_error: Loss
    mse: Loss
    mean_squared_error: Loss
    l2_squared: Loss
    half_squared_error: Loss
    l2_loss: Loss
    rmse: Loss
    root_mean_squared_error: Loss
    l2_norm_loss: Loss
    absolute_error: Loss
    mae: Loss
    l1: Loss
    mean_absolute_error: Loss
    lp_distance: Loss
    huber: Loss
    smooth_l1: Loss
    pseudo_huber: Loss
    charbonnier: Loss
    log_cosh: Loss
    logcosh: Loss
    logit_distance: Loss
    pinball: Loss
    quantile: Loss
    tilted: Loss
    check: Loss
    expectile: Loss
    epsilon_insensitive: Loss
    squared_epsilon_insensitive: Loss
    mape: Loss
    mean_absolute_percentage_error: Loss
    smape: Loss
    symmetric_mean_absolute_percentage_error: Loss
    msle: Loss
    mean_squared_logarithmic_error: Loss
    periodic: Loss
    poisson: Loss
    poisson_log: Loss
    poisson_nll: Loss
    gamma_deviance_log: Loss
    tweedie_log: Loss
    binary_cross_entropy: Loss
    bce: Loss
    log_loss: Loss
    bce_with_logits: Loss
    sigmoid_cross_entropy: Loss
    logistic: Loss
    half_binomial: Loss
    binary_cross_entropy_with_logits: Loss
    alpha_balanced_cross_entropy: Loss
    poly_binary: Loss
    binary_sparsemax: Loss
    binary_focal: Loss
    sigmoid_focal: Loss
    asymmetric_multilabel: Loss
    soft_margin: Loss
    logistic_margin: Loss
    hinge: Loss
    squared_hinge: Loss
    smoothed_hinge: Loss
    modified_huber: Loss
    perceptron: Loss
    exponential: Loss
    sigmoid_margin: Loss
    dwd: Loss
    zero_one: Loss
    hinge_embedding: Loss
    contrastive: Loss
    softmax_cross_entropy: Loss
    cross_entropy: Loss
    softmax_loss: Loss
    half_multinomial: Loss
    softmax_log_likelihood: Loss
    kl_divergence: Loss
    kld: Loss
    relative_entropy: Loss
    zlpr: CompositeLoss
    two_way: CompositeLoss
    distribution_balanced: CompositeLoss
    multilabel_soft_margin: CompositeLoss
    multilabel_margin: CompositeLoss
    categorical_cross_entropy: CompositeLoss
    nll: CompositeLoss
    log_likelihood: CompositeLoss
    categorical_focal: CompositeLoss
    asymmetric_single_label: CompositeLoss
    poly_cross_entropy: CompositeLoss
    generalized_cross_entropy: CompositeLoss
    sparsemax_loss: CompositeLoss
    fenchel_young: CompositeLoss
    ranking_softmax: CompositeLoss
    multi_margin: CompositeLoss
    categorical_hinge: CompositeLoss
    crammer_singer: CompositeLoss
    multiclass_perceptron: CompositeLoss
    linear_cross_entropy: CompositeLoss
    sampled_softmax: CompositeLoss
    sampled_softmax_loss: CompositeLoss
    nce: CompositeLoss
    nce_loss: CompositeLoss
    noise_contrastive_estimation: CompositeLoss
    adaptive_log_softmax: CompositeLoss
    adaptive_softmax: CompositeLoss
    generalized_kl: CompositeLoss
    js_divergence: CompositeLoss
    mean_pairwise_squared_error: CompositeLoss
    cosine_distance: CompositeLoss
    gaussian_nll: CompositeLoss
    dice: CompositeLoss
    tversky: CompositeLoss
    weighted_kappa: CompositeLoss
    giou: CompositeLoss
    generalized_iou: CompositeLoss
    giou_loss: CompositeLoss
    margin_ranking: CompositeLoss
    cosine_embedding: CompositeLoss
    triplet_margin: CompositeLoss
    triplet: CompositeLoss
    triplet_margin_loss: CompositeLoss
    npairs: CompositeLoss
    n_pairs: CompositeLoss
    npair: CompositeLoss
    lifted_structure: CompositeLoss
    lifted_struct: CompositeLoss
    ntxent: CompositeLoss
    info_nce: CompositeLoss
    nt_xent: CompositeLoss
    circle: CompositeLoss
    circle_loss: CompositeLoss
    ctc: CompositeLoss
    ctc_loss: CompositeLoss
    connectionist_temporal_classification: CompositeLoss

class LossFactory:
    @overload
    def __call__(
        self,
        name: Literal["squared_error", "mse", "mean_squared_error", "l2_squared"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["half_squared_error", "l2_loss"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["rmse", "root_mean_squared_error", "l2_norm_loss"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["absolute_error", "mae", "l1", "mean_absolute_error"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["lp_distance"],
        /,
        *,
        profile: Profile | None = None,
        p: float = 3.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["huber"],
        /,
        *,
        profile: Profile | None = None,
        delta: float = 1.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["smooth_l1"],
        /,
        *,
        profile: Profile | None = None,
        beta: float = 1.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["pseudo_huber", "charbonnier"],
        /,
        *,
        profile: Profile | None = None,
        delta: float = 1.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["log_cosh", "logcosh"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["logit_distance"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["pinball", "quantile", "tilted", "check"],
        /,
        *,
        profile: Profile | None = None,
        q: float = 0.5,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["expectile"],
        /,
        *,
        profile: Profile | None = None,
        q: float = 0.5,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["epsilon_insensitive"],
        /,
        *,
        profile: Profile | None = None,
        epsilon: float = 0.1,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["squared_epsilon_insensitive"],
        /,
        *,
        profile: Profile | None = None,
        epsilon: float = 0.1,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["mape", "mean_absolute_percentage_error"],
        /,
        *,
        profile: Profile | None = None,
        eps: float = 1e-07,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["smape", "symmetric_mean_absolute_percentage_error"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["msle", "mean_squared_logarithmic_error"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["periodic"],
        /,
        *,
        profile: Profile | None = None,
        c: float = 1.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["poisson"],
        /,
        *,
        profile: Profile | None = None,
        eps: float = 0.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["poisson_log", "poisson_nll"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["gamma_deviance_log"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["tweedie_log"],
        /,
        *,
        profile: Profile | None = None,
        p: float = 1.5,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["binary_cross_entropy", "bce", "log_loss"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float | None = None,
        label_smoothing: float = 0.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal[
            "bce_with_logits",
            "sigmoid_cross_entropy",
            "logistic",
            "half_binomial",
            "binary_cross_entropy_with_logits",
        ],
        /,
        *,
        profile: Profile | None = None,
        pos_weight: float = 1.0,
        alpha: float | None = None,
        label_smoothing: float = 0.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["alpha_balanced_cross_entropy"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 0.25,
        label_smoothing: float = 0.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["poly_binary"],
        /,
        *,
        profile: Profile | None = None,
        epsilon: float = 2.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["binary_sparsemax"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["binary_focal", "sigmoid_focal"],
        /,
        *,
        profile: Profile | None = None,
        gamma: float = 2.0,
        alpha: float | None = None,
        label_smoothing: float = 0.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["asymmetric_multilabel"],
        /,
        *,
        profile: Profile | None = None,
        gamma_neg: float = 4.0,
        gamma_pos: float = 1.0,
        clip: float = 0.05,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["soft_margin", "logistic_margin"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["hinge"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["squared_hinge"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["smoothed_hinge"],
        /,
        *,
        profile: Profile | None = None,
        gamma: float = 1.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["modified_huber"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["perceptron"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["exponential"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["sigmoid_margin"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["dwd"],
        /,
        *,
        profile: Profile | None = None,
        q: float = 1.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["zero_one"],
        /,
        *,
        profile: Profile | None = None,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["hinge_embedding"],
        /,
        *,
        profile: Profile | None = None,
        margin: float = 1.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["contrastive"],
        /,
        *,
        profile: Profile | None = None,
        margin: float = 1.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal[
            "softmax_cross_entropy",
            "cross_entropy",
            "softmax_loss",
            "half_multinomial",
            "softmax_log_likelihood",
        ],
        /,
        *,
        profile: Profile | None = None,
        label_smoothing: float = 0.0,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["kl_divergence", "kld", "relative_entropy"],
        /,
        *,
        profile: Profile | None = None,
        base: float = 2.718281828459045,
    ) -> Loss: ...
    @overload
    def __call__(
        self,
        name: Literal["zlpr"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["two_way"],
        /,
        *,
        profile: Profile | None = None,
        tp: float = 4.0,
        tn: float = 1.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["distribution_balanced"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 0.1,
        beta: float = 10.0,
        mu: float = 0.2,
        neg_scale: float = 2.0,
        bias: float = 0.05,
        gamma: float = 2.0,
        balance: float = 2.0,
        class_counts: Any = ...,
        n_samples: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["multilabel_soft_margin"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["multilabel_margin"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["categorical_cross_entropy"],
        /,
        *,
        profile: Profile | None = None,
        label_smoothing: float = 0.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["nll", "log_likelihood"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["categorical_focal"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 0.25,
        gamma: float = 2.0,
        label_smoothing: float = 0.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["asymmetric_single_label"],
        /,
        *,
        profile: Profile | None = None,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        eps: float = 0.1,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["poly_cross_entropy"],
        /,
        *,
        profile: Profile | None = None,
        epsilon: float = 2.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["generalized_cross_entropy"],
        /,
        *,
        profile: Profile | None = None,
        q: float = 0.5,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["sparsemax_loss"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["fenchel_young"],
        /,
        *,
        profile: Profile | None = None,
        max_fun: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["ranking_softmax"],
        /,
        *,
        profile: Profile | None = None,
        weights: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["multi_margin"],
        /,
        *,
        profile: Profile | None = None,
        p: float = 1.0,
        margin: float = 1.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["categorical_hinge", "crammer_singer"],
        /,
        *,
        profile: Profile | None = None,
        margin: float = 1.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["multiclass_perceptron"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["linear_cross_entropy"],
        /,
        *,
        profile: Profile | None = None,
        label_smoothing: float = 0.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["sampled_softmax", "sampled_softmax_loss"],
        /,
        *,
        profile: Profile | None = None,
        unique: bool = True,
        remove_accidental_hits: bool = True,
        num_sampled: Any = ...,
        rng: Any = ...,
        sampled: Any = ...,
        expected_counts: Any = ...,
        distribution: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["nce", "nce_loss", "noise_contrastive_estimation"],
        /,
        *,
        profile: Profile | None = None,
        unique: bool = True,
        remove_accidental_hits: bool = False,
        num_sampled: Any = ...,
        rng: Any = ...,
        sampled: Any = ...,
        expected_counts: Any = ...,
        distribution: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["adaptive_log_softmax", "adaptive_softmax"],
        /,
        *,
        profile: Profile | None = None,
        cutoffs: Any = ...,
        div_value: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["generalized_kl"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["js_divergence"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["mean_pairwise_squared_error"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["cosine_distance"],
        /,
        *,
        profile: Profile | None = None,
        eps: float = 1e-08,
        axis: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["gaussian_nll"],
        /,
        *,
        profile: Profile | None = None,
        eps: float = 1e-06,
        full: bool = False,
        log_variance: bool = False,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["dice"],
        /,
        *,
        profile: Profile | None = None,
        smooth: float = 1.0,
        axis: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["tversky"],
        /,
        *,
        profile: Profile | None = None,
        alpha: float = 0.5,
        beta: float = 0.5,
        smooth: float = 1.0,
        axis: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["weighted_kappa"],
        /,
        *,
        profile: Profile | None = None,
        eps: float = 1e-06,
        weightage: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["giou", "generalized_iou", "giou_loss"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["margin_ranking"],
        /,
        *,
        profile: Profile | None = None,
        margin: float = 0.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["cosine_embedding"],
        /,
        *,
        profile: Profile | None = None,
        margin: float = 0.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["triplet_margin", "triplet", "triplet_margin_loss"],
        /,
        *,
        profile: Profile | None = None,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-06,
        swap: bool = False,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["npairs", "n_pairs", "npair"],
        /,
        *,
        profile: Profile | None = None,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["lifted_structure", "lifted_struct"],
        /,
        *,
        profile: Profile | None = None,
        margin: float = 1.0,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["ntxent", "info_nce", "nt_xent"],
        /,
        *,
        profile: Profile | None = None,
        temperature: float = 0.07,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["circle", "circle_loss"],
        /,
        *,
        profile: Profile | None = None,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
    ) -> CompositeLoss: ...
    @overload
    def __call__(
        self,
        name: Literal["ctc", "ctc_loss", "connectionist_temporal_classification"],
        /,
        *,
        profile: Profile | None = None,
        zero_infinity: bool = False,
        blank: Any = ...,
    ) -> CompositeLoss: ...
    @overload
    def __call__(self, name: str, /, *, profile: Profile | None = None) -> Any: ...
    @overload
    def __call__(self, name: Any, /, *, profile: None = None, **parameters: Any) -> Any: ...
    def from_formula(
        self,
        formula: str,
        /,
        *,
        name: str | None = None,
        parameters: Mapping[str, float] | None = None,
    ) -> CustomLoss: ...
