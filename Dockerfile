# Cuewise in a container: the app with its worker, or a worker alone (command: python -m lib.worker).
FROM python:3.11-slim

# libgomp: faster-whisper's engine. fonts: captions that are burned into a picture.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 cuewise \
 && install -d -o cuewise -g cuewise /data /media

WORKDIR /app
COPY requirements.txt requirements-local.txt ./
RUN pip install --no-cache-dir -r requirements.txt \
 && pip install --no-cache-dir -r requirements-local.txt
COPY app.py pyproject.toml ./
COPY .streamlit .streamlit
COPY pages pages
COPY lib lib

USER cuewise
ENV CUEWISE_DATA=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD \
  ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
CMD ["python", "-m", "lib.ui.launch", "--address", "0.0.0.0", "--port", "8501"]
