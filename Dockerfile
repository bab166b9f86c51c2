# CPU build on Debian 12, programs on the PATH:
#   docker build -t renderfm .
#   docker run --rm -v "$PWD:/data" renderfm renderfm-infer ct.nii.gz out.ply
FROM debian:12-slim AS build
WORKDIR /opt/renderfm
COPY scripts/setup.sh scripts/common.sh scripts/
RUN scripts/setup.sh
COPY . .
RUN scripts/build.sh release \
 && cmake --build build/release --parallel \
 && cmake --install build/release --prefix /usr/local --strip

# The same folder for LibTorch, since the programs remember it.
FROM debian:12-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libinsighttoolkit5.2 libyaml-cpp0.7 libspdlog1.10 libfmt9 \
      libminizip1 libgomp1 ffmpeg \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/renderfm/.venv /opt/renderfm/.venv
COPY --from=build /usr/local/bin /usr/local/bin
WORKDIR /data
CMD ["renderfm-infer", "--help"]
