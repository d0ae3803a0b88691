"""Operations of torch that others are made of, and torch.compile.

Evaluated with `torch` bound when a program imports it; what is named at the end becomes part of the
modules torch and torch.nn.functional.
"""


def compile(model=None, **options):
    """Programs compare compiled functions with kernels: the function itself computes the same."""
    if model is None:
        return lambda function: function
    return model


# ---- einsum: each pair of operands becomes one batched product of matrices ----


def _einsum_terms(equation, operands):
    left, arrow, output = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum(): the equation names {len(terms)} operands, {len(operands)} were given")
    sizes = {}
    for term, operand in zip(terms, operands):
        if not all(label.isalpha() for label in term) or len(set(term)) != len(term):
            raise RuntimeError(f"einsum(): unsupported subscripts {term!r}: letters, each once per operand")
        if len(term) != operand.dim():
            raise RuntimeError(f"einsum(): {term!r} names {len(term)} dimensions of a {operand.dim()}-D tensor")
        for label, size in zip(term, operand.shape):
            if sizes.setdefault(label, size) != size:
                raise RuntimeError(f"einsum(): subscript {label} has size {size} and {sizes[label]}")
    if arrow == "":
        output = "".join(sorted(label for label in sizes if left.count(label) == 1))
    for label in output:
        if label not in sizes or output.count(label) > 1:
            raise RuntimeError(f"einsum(): output subscript {label} must appear in an operand, and once")
    return terms, output, sizes


def _einsum_keep(operand, term, wanted):
    """Sums over the labels that are not wanted."""
    gone = [i for i, label in enumerate(term) if label not in wanted]
    if gone:
        operand = operand.sum(dim=gone, dtype=operand.dtype)
    return operand, "".join(label for label in term if label in wanted)


def _einsum_order(operand, term, labels):
    return operand.permute([term.index(label) for label in labels])


def _einsum_pair(a, a_term, b, b_term, wanted, sizes):
    a, a_term = _einsum_keep(a, a_term, wanted + b_term)
    b, b_term = _einsum_keep(b, b_term, wanted + a_term)
    batch = "".join(label for label in a_term if label in b_term and label in wanted)
    summed = "".join(label for label in a_term if label in b_term and label not in wanted)
    rows = "".join(label for label in a_term if label not in b_term)
    columns = "".join(label for label in b_term if label not in a_term)

    def count(labels):
        product = 1
        for label in labels:
            product *= sizes[label]
        return product

    a = _einsum_order(a, a_term, batch + rows + summed).reshape(count(batch), count(rows), count(summed))
    b = _einsum_order(b, b_term, batch + summed + columns).reshape(count(batch), count(summed), count(columns))
    result = batch + rows + columns
    return torch.bmm(a, b).reshape([sizes[label] for label in result]), result


def einsum(equation, *operands):
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    terms, output, sizes = _einsum_terms(equation, operands)
    value, term = operands[0], terms[0]
    for i in range(1, len(operands)):
        wanted = output + "".join(terms[i + 1:])
        value, term = _einsum_pair(value, term, operands[i], terms[i], wanted, sizes)
    value, term = _einsum_keep(value, term, output)
    return _einsum_order(value, term, output)


# ---- elementwise ----


def addcmul(input, tensor1, tensor2, *, value=1):
    return input + value * tensor1 * tensor2


def addcdiv(input, tensor1, tensor2, *, value=1):
    return input + value * tensor1 / tensor2


def lerp(input, end, weight):
    return input + weight * (end - input)


def nan_to_num(input, nan=0.0, posinf=None, neginf=None):
    limits = torch.finfo(input.dtype)
    input = torch.where(torch.isnan(input), nan, input)
    input = torch.where(torch.isposinf(input), limits.max if posinf is None else posinf, input)
    return torch.where(torch.isneginf(input), limits.min if neginf is None else neginf, input)


def relu6(input, inplace=False):
    return input.clamp(0, 6)


def hardswish(input, inplace=False):
    return input * (input + 3).clamp(0, 6) / 6


def hardsigmoid(input, inplace=False):
    return (input + 3).clamp(0, 6) / 6


def glu(input, dim=-1):
    a, b = input.chunk(2, dim)
    return a * torch.sigmoid(b)


# ---- shapes ----


def vstack(tensors):
    return torch.cat([t if t.dim() > 1 else t.reshape(1, -1) for t in tensors], dim=0)


def hstack(tensors):
    return torch.cat(list(tensors), dim=0 if tensors[0].dim() == 1 else 1)


def diag(input, diagonal=0):
    if input.dim() == 2:
        return torch.diagonal(input, diagonal).clone()
    size = input.numel() + abs(diagonal)
    result = torch.zeros(size, size, dtype=input.dtype, device=input.device)
    torch.diagonal(result, diagonal).copy_(input)
    return result


def trace(input):
    return torch.diagonal(input).sum()


def movedim(input, source, destination):
    source %= input.dim()
    order = [d for d in range(input.dim()) if d != source]
    order.insert(destination % input.dim(), source)
    return input.permute(order)


def pad(input, pad, mode="constant", value=None):
    if mode != "constant":
        raise NotImplementedError(f"pad(): mode {mode!r}; only 'constant' is there")
    shape = list(input.shape)
    for i in range(len(pad) // 2):
        shape[-1 - i] += pad[2 * i] + pad[2 * i + 1]
    result = torch.full(shape, 0 if value is None else value, dtype=input.dtype, device=input.device)
    part = result
    for i in range(len(pad) // 2):
        part = part.narrow(-1 - i, pad[2 * i], input.shape[-1 - i])
    part.copy_(input)
    return result


# ---- statistics ----


def var_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    correction = int(unbiased) if correction is None else correction
    return (torch.var(input, dim, keepdim=keepdim, correction=correction),
            torch.mean(input, dim, keepdim))


def std_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    variance, mean = var_mean(input, dim, unbiased, keepdim, correction=correction)
    return variance.sqrt(), mean


# ---- scattering into a copy ----


def scatter(input, dim, index, src):
    return input.clone().scatter_(dim, index, src)


def scatter_add(input, dim, index, src):
    return input.clone().scatter_add_(dim, index, src)


def index_add(input, dim, index, source, *, alpha=1):
    return input.clone().index_add_(dim, index, source, alpha=alpha)


# ---- losses and tables ----


def _reduced(losses, reduction):
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean()
    raise ValueError(f"{reduction} is not a valid value for reduction")


def l1_loss(input, target, reduction="mean"):
    return _reduced((input - target).abs(), reduction)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
             reduction="mean"):
    if weight is not None:
        raise NotImplementedError("nll_loss(): class weights are not there")
    ignored = target == ignore_index
    picked = input.gather(1, target.masked_fill(ignored, 0).unsqueeze(1)).squeeze(1)
    losses = (-picked).masked_fill(ignored, 0)
    if reduction == "mean":
        return losses.sum() / torch.logical_not(ignored).sum()
    return _reduced(losses, reduction)


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
                  reduction="mean", label_smoothing=0.0):
    if label_smoothing != 0.0 or target.is_floating_point() or input.dim() not in (1, 2):
        raise NotImplementedError("cross_entropy(): class indices for a vector or matrix, no smoothing")
    if input.dim() == 1:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
    return nll_loss(torch.log_softmax(input, 1), target, weight, size_average, ignore_index, reduce, reduction)


def one_hot(tensor, num_classes=-1):
    if num_classes == -1:
        num_classes = int(tensor.max()) + 1
    classes = torch.arange(num_classes, device=tensor.device)
    return (tensor.unsqueeze(-1) == classes).long()


def embedding(input, weight):
    return weight[input]


# ---- autograd.Function, as far as it can go without gradients ----


class _FunctionContext:
    """What forward() keeps for backward()."""

    saved_tensors = ()
    needs_input_grad = ()

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors):
        pass

    def set_materialize_grads(self, value):
        pass


class Function:
    """A pair of forward and backward: apply() runs forward. Nothing records what ran, so backward
    runs only if the program calls it, with the context of its own forward()."""

    @classmethod
    def apply(cls, *args):
        return cls.forward(_FunctionContext(), *args)


IN_TORCH = [compile, einsum, addcmul, addcdiv, lerp, nan_to_num, vstack, hstack, diag, trace, movedim,
            var_mean, std_mean, scatter, scatter_add, index_add]
IN_FUNCTIONAL = [relu6, hardswish, hardsigmoid, glu, pad, l1_loss, nll_loss, cross_entropy, one_hot,
                 embedding]
IN_AUTOGRAD = [Function]
