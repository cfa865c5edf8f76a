"""Corpora: the text that training reads, with a manifest that says where it came from."""

from msm_bench.corpus.store import Chat, Corpus, Document, Manifest, Message, seal

__all__ = ["Chat", "Corpus", "Document", "Manifest", "Message", "seal"]
