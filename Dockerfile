# The image of caprock: the program, the libraries that it needs, and bpftool, on Debian.
#
#   docker build --tag caprock .
#
# The agent needs root and the node's namespaces; all else runs as any user who may read the files:
#
#   docker run --rm --user "$(id -u)" --volume "$PWD:/records" caprock verify /records/ring.pcapng
#
# With --target prebuilt it is made around ./caprock, which was compiled on the same release of Debian.

ARG DEBIAN=bookworm

FROM debian:${DEBIAN}-slim AS compiled
COPY . /source
WORKDIR /source
RUN scripts/setup build
RUN cmake --preset release -DCAPROCK_TESTS=OFF && cmake --build --preset release --target caprock
RUN strip -o /caprock build/release/caprock

FROM debian:${DEBIAN}-slim AS runtime
RUN --mount=type=bind,source=scripts,target=/tmp/caprock/scripts \
    /tmp/caprock/scripts/setup runtime && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
ENTRYPOINT ["/usr/bin/caprock"]

FROM runtime AS prebuilt
COPY caprock /usr/bin/caprock

FROM runtime
COPY --from=compiled /caprock /usr/bin/caprock
