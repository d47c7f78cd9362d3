"""Networks that read and write bars: generator, discriminator and encoder.

A bar is seen in two views: the one-hot tokens, and the pitch that *sounds* at each step. Without
the second one the interval statistics of generated bars stay poor, because an interval spans the
holds between two onsets. Critics, agent and judge see intervals as such: the leap from each note to
the next, and how the voices stand to each other.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from composer.domains.music import views
from composer.domains.music.settings import FIRST_PITCH, HOLD, OCTAVE, MusicSettings
from composer.domains.music.views import LEAPS, sounding
from composer.gan.losses import straight_through

SLOPE = 0.2
MARGIN = 0.1  # nats by which the token that was drawn is the likeliest
ADJACENT = 2  # neighbours that lead up to a bar without a gap: the first, and the one before it
FORBIDDEN = -1e4  # finite, since it is multiplied by zeros


class BarViews(nn.Module):
    """Embeds the views of each step, each by one linear map: ``[n, voices*steps*features]``."""

    fold: Tensor

    def __init__(self, settings: MusicSettings, features: int, *, intervals: bool = False) -> None:
        """``features`` for each step and voice; ``intervals``: whether they are seen, too."""
        super().__init__()
        self.lows = settings.lows
        self.tokens = nn.Linear(settings.classes, features)
        self.pitches = nn.Linear(settings.pitches, features, bias=False)
        self.leaps = nn.Linear(LEAPS, features, bias=False) if intervals else None
        self.chords = None
        if intervals and settings.voices > 1:
            self.chords = nn.Linear(OCTAVE * (settings.voices - 1), features, bias=False)
            fold = views.folds(settings.lows, settings.pitches)
            self.register_buffer("fold", fold, persistent=False)
        self.width = settings.voices * settings.steps * features

    def forward(self, bars: Tensor) -> Tensor:
        """One-hot float ``[n, voices, steps, classes]`` or tokens int ``[n, voices, steps]``.

        Both give ``[n, width]``; tokens are looked up, several times as fast as multiplied.
        """
        whole = not bars.is_floating_point()
        seen = self._of_tokens(bars.long()) if whole else self._of_one_hot(bars)
        return seen.flatten(1)

    def _of_one_hot(self, bars: Tensor) -> Tensor:
        lines = sounding(bars)
        seen = self.tokens(bars) + self.pitches(lines)
        if self.leaps is not None:
            seen = seen + self.leaps(views.leaps(bars))
        if self.chords is not None:
            seen = seen + self.chords(views.chords(lines, self.fold))
        return seen

    def _of_tokens(self, tokens: Tensor) -> Tensor:
        seen = nn.functional.embedding(tokens, self.tokens.weight.T) + self.tokens.bias
        pitches = views.sounding_index(tokens)
        seen = seen + _look_up(self.pitches, pitches)
        if self.leaps is not None:
            seen = seen + _look_up(self.leaps, views.leap_index(tokens))
        if self.chords is not None:
            seen = seen + _look_up(self.chords, views.chord_index(pitches, self.lows)).sum(3)
        return seen


def _look_up(view: nn.Linear, index: Tensor) -> Tensor:
    """What a map without bias gives for one-hot inputs; -1 for one that is all zero."""
    nothing = view.weight.new_zeros(1, view.out_features)
    return nn.functional.embedding(index + 1, torch.cat((nothing, view.weight.T)))


class BarEncoder(nn.Module):
    """A bar as a vector ``[n, width]``; one-hot or tokens, as ``BarViews``."""

    def __init__(
        self, settings: MusicSettings, width: int, features: int = 16, *, intervals: bool = False
    ) -> None:
        """``width`` of the embedding; the rest as of ``BarViews``."""
        super().__init__()
        self.views = BarViews(settings, features, intervals=intervals)
        self.layers = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            nn.Linear(self.views.width, 2 * width),
            nn.LeakyReLU(SLOPE),
            nn.Linear(2 * width, width),
        )

    def forward(self, bars: Tensor) -> Tensor:
        """Embed bars."""
        return self.layers(self.views(bars))


class Surroundings(nn.Module):
    """The neighbours and the position of a place as one vector."""

    def __init__(self, settings: MusicSettings, neighbours: int, position: int, width: int) -> None:
        """``neighbours`` bars and ``position`` features in, ``self.width`` numbers out."""
        super().__init__()
        self.encoder = BarEncoder(settings, width)
        self.width = neighbours * (width + 1) + position

    def forward(self, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Context one-hot ``[n, neighbours, *bar]``, present float ``[n, neighbours]``."""
        count, neighbours = present.shape
        embedded = self.encoder(context.flatten(0, 1)).view(count, neighbours, -1)
        masked = embedded * present.unsqueeze(-1)  # [n, neighbours, width]
        return torch.cat((masked.flatten(1), present, position), dim=1)


class Residual(nn.Module):
    """``x + W2 f(W1 f(x))``; the last map starts at a small scale, so that depth is harmless."""

    def __init__(self, width: int) -> None:
        """``width`` in and out."""
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, width] -> [n, width]``."""
        hidden = self.first(nn.functional.leaky_relu(x, SLOPE))
        return x + self.second(nn.functional.leaky_relu(hidden, SLOPE))


class BarGenerator(nn.Module):
    """(noise, neighbours, position) -> a bar, token after token.

    Each token is drawn given the surroundings as a whole, what stands and sounds at this step in
    each neighbouring bar, the pitch that its voice sounds, and the memory of all tokens before it:
    a gated recurrent unit (Cho et al.: "Learning phrase representations using RNN
    encoder-decoder", EMNLP 2014), whose weights serve all steps. How likely a pitch is depends on
    which it is, on the leap from what sounds so far, and on how it stands to the voices above. The
    noise decides each draw, one number a token, so that a latent is a bar here and like bars there;
    the gradient goes through the probabilities. Steps come in order, in each the voices from the
    highest.
    """

    fold: Tensor

    def __init__(self, settings: MusicSettings, neighbours: int, position: int, width: int) -> None:
        """``width`` of everything within; vectors of ``neighbours`` are a quarter of it."""
        super().__init__()
        self.voices, self.steps = settings.voices, settings.steps
        classes, tokens = settings.classes, settings.voices * settings.steps
        self.around = Surroundings(settings, neighbours, position, width // 4)
        self.begin = nn.Sequential(
            nn.Linear(self.around.width, width), Residual(width), Residual(width)
        )
        seen = classes + settings.pitches
        self.beside = nn.Parameter(torch.randn(neighbours, self.voices, seen, width) / 8)
        self.sounds = nn.Parameter(torch.randn(self.voices, settings.pitches, width) / 4)
        self.before = nn.Parameter(torch.randn(classes, width) / 4)
        self.token = nn.Parameter(torch.randn(tokens, width) / 4)
        self.memory = nn.GRU(width, width, batch_first=True)
        self.deep = Residual(width)
        self.head = nn.Parameter(torch.randn(width, classes) / (10 * width**0.5))
        self.leap = nn.Parameter(torch.zeros(width, LEAPS))
        self.chord = nn.Parameter(torch.zeros(self.voices - 1, width, OCTAVE))
        self.bias = nn.Parameter(torch.zeros(tokens, classes))
        fold = views.folds(settings.lows, settings.pitches)
        self.register_buffer("fold", fold, persistent=False)

    def forward(
        self,
        latent: Tensor,
        context: Tensor,
        present: Tensor,
        position: Tensor,
        allowed: Tensor | None = None,
    ) -> Tensor:
        """Normal latent ``[n, voices * steps]`` -> outputs ``[n, voices, steps, classes]``.

        Outputs are log-probabilities; that of the token that is drawn is raised above the others.
        ``allowed`` bool ``[voices, steps, classes]``: what is drawn is one of these.
        """
        levels = torch.special.ndtr(latent)  # uniform
        each = len(latent) // len(context)
        told = self._told(context, present, position).repeat_interleave(each, 0)
        sounds = list(self._before(context, present).repeat_interleave(each, 0).unbind(1))
        state, choice = None, told.new_zeros(len(told), len(self.before))
        outputs = []
        for token in range(self.voices * self.steps):
            voice = token % self.voices
            known = told[:, token] + sounds[voice] @ self.sounds[voice] + choice @ self.before
            found, state = self._remember(known.unsqueeze(1), state)
            logits = self._rate(found.squeeze(1), voice, sounds) + self.bias[token]
            if allowed is not None:
                logits = logits.masked_fill(~allowed[voice, token // self.voices], FORBIDDEN)
            choice, raised = _draw(logits.log_softmax(1), levels[:, token : token + 1])
            sounds[voice] = choice[:, FIRST_PITCH:] + choice[:, [HOLD]] * sounds[voice]
            outputs.append(raised)
        return torch.stack(outputs, 1).unflatten(1, (self.steps, self.voices)).transpose(1, 2)

    def reconstruct(
        self, bars: Tensor, context: Tensor, present: Tensor, position: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities of each token of real bars, given those before it; no surprise beside.

        One-hot ``[n, voices, steps, classes]`` -> as of ``forward``, and zeros ``[n]``.
        """
        before = nn.functional.pad(self._before(context, present), (FIRST_PITCH, 0)).unsqueeze(2)
        lines = sounding(torch.cat((before, bars), 2))
        heard, now = lines[:, :, :-1], lines[:, :, 1:]  # as each step begins, and ends
        sounds = torch.einsum("nvsp,vpw->nsvw", heard, self.sounds).flatten(1, 2)
        tokens = bars.transpose(1, 2).flatten(1, 2)  # [n, tokens, classes]
        drawn = nn.functional.pad(tokens[:, :-1], (0, 0, 1, 0)) @ self.before
        found, _ = self._remember(self._told(context, present, position) + sounds + drawn, None)
        found = found.unflatten(1, (self.steps, self.voices))
        outputs = [
            self._rate(found[:, :, voice], voice, [*now[:, :voice].unbind(1), heard[:, voice]])
            for voice in range(self.voices)
        ]
        bias = self.bias.unflatten(0, (self.steps, self.voices)).transpose(0, 1)
        return (torch.stack(outputs, 1) + bias).log_softmax(3), bars.new_zeros(len(bars))

    def _rate(self, found: Tensor, voice: int, lines: list[Tensor]) -> Tensor:
        """Logits ``[..., classes]`` of the tokens of a voice, but for the bias.

        ``found`` ``[..., width]``; ``lines``: what each voice sounds, ``[..., pitches]``, those
        above now, the voice itself so far.
        """
        nearby = torch.einsum("...k,...kp->...p", found @ self.leap, views.beneath(lines[voice]))
        for above in range(voice):
            stands = views.beneath_class(lines[above] @ self.fold[above])
            rated = torch.einsum("...k,...kc->...c", found @ self.chord[above], stands)
            nearby = nearby + rated @ self.fold[voice].T
        return found @ self.head + nn.functional.pad(nearby, (FIRST_PITCH, 0))

    def _told(self, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """What is known of each token before any is drawn: ``[n, tokens, width]``."""
        place = self.begin(self.around(context, present, position))
        bars = context * present[:, :, None, None, None]
        seen = torch.cat((bars, sounding(bars.flatten(0, 1)).unflatten(0, present.shape)), -1)
        beside = torch.einsum("nbvsk,bvkw->nsw", seen, self.beside)
        return place.unsqueeze(1) + beside.repeat_interleave(self.voices, 1) + self.token

    def _remember(self, known: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """``[n, tokens, width]`` of successive tokens -> as much, and the state to go on from."""
        remembered, state = self.memory(nn.functional.leaky_relu(known, SLOPE), state)
        return nn.functional.leaky_relu(self.deep(known + remembered), SLOPE), state

    def _before(self, context: Tensor, present: Tensor) -> Tensor:
        """What sounds as the bar begins: float ``[n, voices, pitches]``."""
        bars = (context * present[:, :, None, None, None])[:, :ADJACENT]
        line = bars.flip(1).transpose(1, 2).flatten(2, 3)
        return sounding(line)[:, :, -1]


def _draw(logits: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """Draw by the inverse of the distribution function at ``level`` ``[n, 1]``.

    Log-probabilities ``[n, classes]`` -> one-hot choices with the gradient of the probabilities,
    and the logits with the choice as their largest.
    """
    shares = logits.exp()
    below = shares.detach().cumsum(1)
    index = (below < level * below[:, -1:]).sum(1, keepdim=True)  # the sum is 1 but for rounding
    choice = torch.zeros_like(logits).scatter(1, index, 1.0)
    short = (logits.amax(1, keepdim=True) - (logits * choice).sum(1, keepdim=True)).detach()
    return straight_through(shares, choice), logits + choice * (short + MARGIN)


class BarDiscriminator(nn.Module):
    """(bar, neighbours, position) -> realism logit; no normalisation layers (R3GAN, 2024)."""

    def __init__(self, settings: MusicSettings, neighbours: int, position: int, width: int) -> None:
        """Reads the bar as tokens and as what sounds."""
        super().__init__()
        self.views = BarViews(settings, 24)
        self.around = Surroundings(settings, neighbours, position, width // 8)
        self.layers = nn.Sequential(
            nn.Linear(self.views.width + self.around.width, width),
            Residual(width),
            Residual(width),
            nn.LeakyReLU(SLOPE),
            nn.Linear(width, 1),
        )

    def forward(self, bars: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """One-hot bars ``[n, voices, steps, classes]`` -> ``[n]``."""
        views = nn.functional.leaky_relu(self.views(bars), SLOPE)
        around = self.around(context, present, position)
        return self.layers(torch.cat((views, around), dim=1)).squeeze(1)
