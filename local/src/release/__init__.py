"""Makes a release: version, changelog, tag, source archive, bills of materials, images."""
