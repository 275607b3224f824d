# The course in a container, and what .devcontainer/ builds on. From the clone's root:
#   docker build -t unet-course .
#   docker run --rm -p 127.0.0.1:8888:8888 -v unet-course:/home/student unet-course
# Then open the address with its token that the second command prints.
FROM python:3.12-slim
# git: for the devcontainer's source control
RUN apt-get update && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 student \
    && mkdir -p /opt/course /opt/venv /opt/cache /etc/jupyter \
    && chown student /opt/course /opt/venv /opt/cache
# a container's own loopback can't be reached from outside: JupyterLab listens on every address, and asks for its token
RUN echo '{"ServerApp": {"ip": "0.0.0.0", "open_browser": false}}' > /etc/jupyter/jupyter_server_config.json
USER 1000
# the cache isn't in the home folder, which a volume or an editor's mount covers
ENV PATH=/opt/venv/bin:$PATH UNET_COURSE_CACHE=/opt/cache
COPY --chown=1000 pyproject.toml README.md LICENSE /opt/course/
COPY --chown=1000 unet_course /opt/course/unet_course
COPY --chown=1000 notebooks /opt/course/notebooks
RUN python -m venv /opt/venv && pip install --no-cache-dir "/opt/course[lab]"
# both samples, so that no student waits for them
RUN unet-course data sample
WORKDIR /home/student
EXPOSE 8888
CMD ["unet-course", "--no-browser", "--port", "8888"]
