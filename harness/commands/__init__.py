"""What the commands do, one file each; `harness.cli` only names them and their options."""
