"""What holds access: one file each; a system is read, never believed by default."""
