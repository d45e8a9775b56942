def subject_hash(subject: str) -> str:
    import hashlib

    s = subject.lower().removeprefix("re: ").strip()
    return hashlib.sha256(s.encode()).hexdigest()[:12] if s else ""
