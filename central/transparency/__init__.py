"""The transparency log: what the centre took in, found, decided and looked at, in a Merkle tree that it cannot rewrite unseen."""
