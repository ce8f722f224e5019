"""RVC voices: load the files people have and compute, arrays in and arrays out, nothing kept between calls.

    voice = load_voice("voice.pth")                        # Synthesizer: any version, rate and width
    hubert = load_hubert("hubert_base.pt")                 # Hubert: what is said
    rmvpe = load_rmvpe("rmvpe.pt")                         # Rmvpe: f0; any other method will do, Hz at 100 frames/s
    index = load_index("added_IVF512_Flat_nprobe_1.index")  # Index: features of the voice's owner, optional

    units = hubert.units(samples, voice.config.version)    # samples (n,) 16 kHz -> (1, T50, 256 | 768), 50 per second
    units = index.blend(units, 0.7).repeat_interleave(2, 1)  # -> 100 per second
    f0 = shift(rmvpe.f0(samples), 12)                      # an octave up
    T = min(units.shape[1], len(f0))
    hertz, coarse = (torch.from_numpy(row[None, :T]) for row in (f0, coarse_pitch(f0)))
    out = voice.infer(units[:, :T], coarse, hertz, speaker)  # (1, 1, T * hop) at voice.config.rate
    whole = convert(samples, voice, hubert, rmvpe.f0, Conversion(semitones=12), index=index)  # a recording

What a stream must keep, it keeps itself: `cycles(f0, start)` gives the phase at which the next block's `phase` begins.
Half precision or another device: `voice.to("cuda", torch.float16)`, `hubert.to(...)`; f0 stays float32 inside.

Files are read as data: no name in a pickle is imported, sizes and shapes are compared with the file before memory is
taken, and what does not fit is a `vaidol.models.errors.LoadError` of one sentence.

For ONNX, export `voice.dec` (latent, speaker, source -> samples), `voice.flow` and `voice.enc_p`, `hubert` (sound ->
features) and `rmvpe.net` (log-mel -> salience) on their own: their `forward` takes and gives tensors alone, and
`torch.onnx.export(module, inputs, path, dynamo=False, opset_version=18)` takes each as it is.
"""

from vaidol.models.rvc.config import VoiceConfig
from vaidol.models.rvc.decoder import cycles
from vaidol.models.rvc.hubert import Hubert, load_hubert
from vaidol.models.rvc.mixing import mix_loudness, protect
from vaidol.models.rvc.offline import Conversion, convert
from vaidol.models.rvc.pitch import KeyFinder, autotune, coarse_pitch, fill_unvoiced, key_to, shift
from vaidol.models.rvc.retrieval import Index, load_index
from vaidol.models.rvc.rmvpe import Rmvpe, load_rmvpe
from vaidol.models.rvc.synthesizer import Synthesizer
from vaidol.models.rvc.voice import convert_voice, load_voice, voice_about

__all__ = [
    "Conversion",
    "Hubert",
    "Index",
    "KeyFinder",
    "Rmvpe",
    "Synthesizer",
    "VoiceConfig",
    "autotune",
    "coarse_pitch",
    "convert",
    "convert_voice",
    "cycles",
    "fill_unvoiced",
    "key_to",
    "load_hubert",
    "load_index",
    "load_rmvpe",
    "load_voice",
    "mix_loudness",
    "protect",
    "shift",
    "voice_about",
]
