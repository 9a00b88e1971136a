"""Layers as records: what a network is made of.

Each is a frozen dataclass that knows no array; `deltarule.Network` and the estimators train them.
"""

from deltarule.layers._graph import Graph, Node, Parameter, Value
from deltarule.layers._layer import Layer
from deltarule.layers.activation import Activation, AlphaDropout, Dropout, Ordered, PReLU
from deltarule.layers.dense import Dense, Embedding
from deltarule.layers.images import AveragePool, Conv1D, Conv2D, GlobalPool, MaxPool
from deltarule.layers.normalise import BatchNorm, LayerNorm, RMSNorm
from deltarule.layers.recurrent import GRU, LSTM, SimpleRNN
from deltarule.layers.structure import Concatenate, Flatten, Masking, Reshape, Residual
from deltarule.layers.tabular import (
    Columns,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
    Withhold,
)

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "AlphaDropout",
    "AveragePool",
    "BatchNorm",
    "Columns",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalPool",
    "Graph",
    "Layer",
    "LayerNorm",
    "Masking",
    "MaxPool",
    "Node",
    "Ordered",
    "PReLU",
    "Parameter",
    "ParametricActivation",
    "PeriodicEmbedding",
    "RMSNorm",
    "Reshape",
    "Residual",
    "Scale",
    "SimpleRNN",
    "Value",
    "Withhold",
]
