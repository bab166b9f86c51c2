// What the server is asked. Every failure is an Error whose message is a sentence for the user.

const config = JSON.parse(document.body.dataset.config);

const SERVER_GONE = "The server does not answer; is renderfm-view still running?";

async function ask(method, path, order) {
  let response;
  try {
    response = await fetch(path, {
      method, cache: "no-store", credentials: "omit",
      headers: { "X-RenderFM-Token": config.token },
      body: order === undefined ? undefined : JSON.stringify(order),
    });
  } catch {
    throw new Error(SERVER_GONE);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(answer.error || `The server answered ${response.status}.`);
    error.status = response.status;
    throw error;
  }
  return answer;
}

// Sends a file as it is; onProgress(bytes sent). Returns { done: Promise, abort() }.
function upload(method, path, file, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open(method, `${path}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-RenderFM-Token", config.token);
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      if (request.status < 300) resolve(request.response);
      else reject(new Error((request.response && request.response.error) || `The server answered ${request.status}.`));
    };
    request.onerror = () => reject(new Error(`${file.name} could not be sent; ${SERVER_GONE}`));
    request.onabort = () => reject(new Error(""));
    if (file.size > config.max_upload_bytes) {
      reject(new Error(`${file.name} has ${sizeText(file.size)}; this server takes up to ${sizeText(config.max_upload_bytes)} (--max-upload).`));
    } else {
      request.send(file);
    }
  });
  return { done, abort: () => request.abort() };
}
