# The server, the command line and the workers of a migration, in one image.
#   docker build -t kimera-embed .
#   docker run --read-only --tmpfs /tmp -p 3000:3000 -e KIMERA_API_KEYS=… kimera-embed
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /src
# The install script of onnxruntime-node downloads CUDA; the CPU library is in the package.
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY . .
RUN npm ci --no-audit --no-fund \
  && npm run pack -- /tarballs \
  && mkdir /app
WORKDIR /app
RUN npm init --yes > /dev/null \
  && npm install --no-audit --no-fund --omit=dev /tarballs/*.tgz \
  && npm cache clean --force

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 HOST=0.0.0.0 PORT=3000 MODELS_PATH=/models
WORKDIR /app
COPY --from=build /app /app
# Nothing below is written: the root may be read-only. Models are mounted at /models, an embedded database at /data.
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.PORT||3000)+'/readyz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
# Node itself is the first process: it gets the signals.
ENTRYPOINT ["node", "node_modules/@kimera/cli/bin/kimera.mjs"]
CMD ["serve"]
